package dev.spandrel.engine.backend;

import dev.spandrel.engine.tensor.Buffer;

/**
 * Activations on the Java heap, shared by the backends that compute there.
 *
 * @param values the room itself
 */
public record HostBuffer(float[] values) implements Buffer {
    /**
     * Room for {@code elements} values.
     *
     * @throws IllegalArgumentException when a Java array cannot hold them
     */
    public static HostBuffer of(long elements) {
        if (elements > Integer.MAX_VALUE - 8) {
            throw new IllegalArgumentException("a step buffer of " + elements
                    + " values does not fit; lower --max-num-batched-tokens or --max-num-seqs");
        }
        return new HostBuffer(new float[(int) elements]);
    }

    /** The values of a buffer that this backend made. */
    public static float[] of(Buffer buffer) {
        return ((HostBuffer) buffer).values;
    }

    @Override
    public long capacity() {
        return values.length;
    }
}
