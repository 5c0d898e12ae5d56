package dev.spandrel.engine;

/** How the hidden states of a prompt's tokens become one vector. */
public enum Pooling {
    /** Their mean. */
    MEAN,
    /** The last one's, which in a decoder has seen all others. */
    LAST
}
