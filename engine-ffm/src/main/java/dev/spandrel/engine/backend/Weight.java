package dev.spandrel.engine.backend;

/** A weight in a backend's own memory and layout; only the backend that uploaded it can look inside. */
public interface Weight {
    /** Rows of a matrix (outputs of a matmul), or the length of a vector. */
    int rows();

    /** Columns of a matrix (inputs of a matmul), or 1 for a vector. */
    int columns();

    /** Bytes it takes, scales and padding included. */
    long bytes();
}
