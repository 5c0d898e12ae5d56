package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.VECTOR_BYTES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Paged attention for one query row of one head. Keys lie transposed inside a block (head dim × block size), so a vector
 * scores as many keys as it has lanes and nothing is reduced across lanes; values lie row by row, padded to whole vectors.
 * Every sum runs in the order of positions, whatever the step looks like.
 */
final class AttentionKernels {
    private AttentionKernels() {}

    /**
     * Scores of {@code blockSize} keys of one block.
     *
     * @param q query, read from {@code qAt}
     * @param keys keys of the layer, the block's head at byte {@code keysAt} as headDim × blockSize
     * @param scores receives q·k × scale at {@code at}
     */
    static void scoreBlock(
            float[] q,
            int qAt,
            int headDim,
            MemorySegment keys,
            long keysAt,
            int blockSize,
            float scale,
            float[] scores,
            int at) {
        long row = blockSize * 4L;
        for (int j = 0; j < blockSize; j += LANES) {
            FloatVector sum = FloatVector.zero(SPECIES);
            long from = keysAt + j * 4L;
            for (int d = 0; d < headDim; d++, from += row) {
                sum = FloatVector.broadcast(SPECIES, q[qAt + d])
                        .fma(FloatVector.fromMemorySegment(SPECIES, keys, from, ORDER), sum);
            }
            sum.mul(scale).intoArray(scores, at + j);
        }
    }

    /**
     * Turns scores into e^(score − max) in place, and to zero from {@code seen} on up to a whole vector.
     *
     * @return the sum over the first {@code seen}
     */
    static float softmax(float[] scores, int seen, float[] lanes) {
        int padded = VectorConstants.roundUp(seen);
        java.util.Arrays.fill(scores, seen, padded, Float.NEGATIVE_INFINITY);
        FloatVector max = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < padded; i += LANES) {
            max = max.max(FloatVector.fromArray(SPECIES, scores, i));
        }
        float most = max.reduceLanes(jdk.incubator.vector.VectorOperators.MAX);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int i = 0; i < padded; i += LANES) {
            FloatVector e = PointwiseKernels.exp(
                    FloatVector.fromArray(SPECIES, scores, i).sub(most));
            e.intoArray(scores, i);
            sum = sum.add(e);
        }
        return PointwiseKernels.sumLanes(sum, lanes);
    }

    /**
     * Adds four vectors' width of weighted values of one block: {@code out += Σ weights[p] × values[p]}.
     *
     * @param count positions of the block that count
     * @param values values of the layer, the wanted columns of the block's head at byte {@code valuesAt}
     * @param rowBytes bytes from one position's values to the next
     */
    static void weighBlock4(
            float[] weights,
            int at,
            int count,
            MemorySegment values,
            long valuesAt,
            long rowBytes,
            float[] out,
            int outAt) {
        FloatVector o0 = FloatVector.fromArray(SPECIES, out, outAt);
        FloatVector o1 = FloatVector.fromArray(SPECIES, out, outAt + LANES);
        FloatVector o2 = FloatVector.fromArray(SPECIES, out, outAt + 2 * LANES);
        FloatVector o3 = FloatVector.fromArray(SPECIES, out, outAt + 3 * LANES);
        for (int p = 0; p < count; p++, valuesAt += rowBytes) {
            FloatVector w = FloatVector.broadcast(SPECIES, weights[at + p]);
            o0 = w.fma(FloatVector.fromMemorySegment(SPECIES, values, valuesAt, ORDER), o0);
            o1 = w.fma(FloatVector.fromMemorySegment(SPECIES, values, valuesAt + VECTOR_BYTES, ORDER), o1);
            o2 = w.fma(FloatVector.fromMemorySegment(SPECIES, values, valuesAt + 2 * VECTOR_BYTES, ORDER), o2);
            o3 = w.fma(FloatVector.fromMemorySegment(SPECIES, values, valuesAt + 3 * VECTOR_BYTES, ORDER), o3);
        }
        o0.intoArray(out, outAt);
        o1.intoArray(out, outAt + LANES);
        o2.intoArray(out, outAt + 2 * LANES);
        o3.intoArray(out, outAt + 3 * LANES);
    }

    /** As {@link #weighBlock4}, one vector's width. */
    static void weighBlock1(
            float[] weights,
            int at,
            int count,
            MemorySegment values,
            long valuesAt,
            long rowBytes,
            float[] out,
            int outAt) {
        FloatVector o = FloatVector.fromArray(SPECIES, out, outAt);
        for (int p = 0; p < count; p++, valuesAt += rowBytes) {
            o = FloatVector.broadcast(SPECIES, weights[at + p])
                    .fma(FloatVector.fromMemorySegment(SPECIES, values, valuesAt, ORDER), o);
        }
        o.intoArray(out, outAt);
    }
}
