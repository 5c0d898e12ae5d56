package dev.spandrel.engine.backend;

import dev.spandrel.engine.tensor.Buffer;
import java.lang.foreign.MemorySegment;

/**
 * Activations on the Java heap, shared by the backends that compute there.
 *
 * @param values the room itself
 * @param segment the same as a segment, made once
 */
public record HostBuffer(float[] values, MemorySegment segment) implements Buffer {
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
        float[] values = new float[(int) elements];
        return new HostBuffer(values, MemorySegment.ofArray(values));
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
