package dev.spandrel.engine.tensor;

/**
 * Activations of one step: room for F32 values in a backend's own memory, laid out row-major by whoever uses it. Carved
 * once at start and reused by every step; only the backend that made it can look inside.
 */
public interface Buffer {
    /** Room, in elements. */
    long capacity();
}
