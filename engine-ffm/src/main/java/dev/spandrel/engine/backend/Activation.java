package dev.spandrel.engine.backend;

/** What a matmul does to its result before storing it. */
public enum Activation {
    /** Nothing. */
    NONE,
    /** max(0, x). */
    RELU
}
