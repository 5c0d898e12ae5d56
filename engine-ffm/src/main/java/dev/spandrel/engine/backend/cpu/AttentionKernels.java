package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.VECTOR_BYTES;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Paged attention for one query row of one head, and for six rows of one sequence together, with the same bits. Keys lie transposed inside a block (head dim × block size), so a vector
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

    /** {@code scores ×= factor}, and what follows up to a whole vector. */
    static void scale(float[] scores, int at, int count, float factor) {
        for (int i = at; i < at + count; i += LANES) {
            FloatVector.fromArray(SPECIES, scores, i).mul(factor).intoArray(scores, i);
        }
    }

    /**
     * Turns scores, times a factor above 0, into e^(score − max) in place, and to zero from {@code seen} on up to a whole vector.
     *
     * @return the sum over the first {@code seen}
     */
    static float softmax(float[] scores, int at, int seen, float factor, float[] lanes) {
        int padded = at + VectorConstants.roundUp(seen);
        Arrays.fill(scores, at + seen, padded, Float.NEGATIVE_INFINITY);
        FloatVector max = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        for (int i = at; i < padded; i += LANES) {
            max = max.max(FloatVector.fromArray(SPECIES, scores, i));
        }
        // Rounding keeps the order, so the largest product is that of the largest score.
        float most = max.reduceLanes(VectorOperators.MAX) * factor;
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int i = at; i < padded; i += LANES) {
            FloatVector e = PointwiseKernels.exp(
                    FloatVector.fromArray(SPECIES, scores, i).mul(factor).sub(most));
            e.intoArray(scores, i);
            sum = sum.add(e);
        }
        sum.intoArray(lanes, 0);
        return PointwiseKernels.sumLanes(lanes);
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

    /** As {@link #scoreBlock} for six queries {@code qStride} apart, whose scores are {@code scoreStride} apart. */
    static void scoreBlock6(
            float[] q,
            int qAt,
            int qStride,
            int headDim,
            MemorySegment keys,
            long keysAt,
            int blockSize,
            float scale,
            float[] scores,
            int at,
            int scoreStride) {
        long row = blockSize * 4L;
        for (int j = 0; j < blockSize; j += LANES) {
            FloatVector zero = FloatVector.zero(SPECIES);
            FloatVector s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero;
            long from = keysAt + j * 4L;
            for (int d = 0; d < headDim; d++, from += row) {
                FloatVector k = FloatVector.fromMemorySegment(SPECIES, keys, from, ORDER);
                s0 = FloatVector.broadcast(SPECIES, q[qAt + d]).fma(k, s0);
                s1 = FloatVector.broadcast(SPECIES, q[qAt + qStride + d]).fma(k, s1);
                s2 = FloatVector.broadcast(SPECIES, q[qAt + 2 * qStride + d]).fma(k, s2);
                s3 = FloatVector.broadcast(SPECIES, q[qAt + 3 * qStride + d]).fma(k, s3);
                s4 = FloatVector.broadcast(SPECIES, q[qAt + 4 * qStride + d]).fma(k, s4);
                s5 = FloatVector.broadcast(SPECIES, q[qAt + 5 * qStride + d]).fma(k, s5);
            }
            s0.mul(scale).intoArray(scores, at + j);
            s1.mul(scale).intoArray(scores, at + scoreStride + j);
            s2.mul(scale).intoArray(scores, at + 2 * scoreStride + j);
            s3.mul(scale).intoArray(scores, at + 3 * scoreStride + j);
            s4.mul(scale).intoArray(scores, at + 4 * scoreStride + j);
            s5.mul(scale).intoArray(scores, at + 5 * scoreStride + j);
        }
    }

    /** As {@link #weighBlock4} for six rows: weights {@code weightStride} apart, outputs {@code outStride} apart. */
    static void weighBlock6x4(
            float[] weights,
            int at,
            int weightStride,
            int count,
            MemorySegment values,
            long valuesAt,
            long rowBytes,
            float[] out,
            int outAt,
            int outStride) {
        FloatVector o00 = FloatVector.fromArray(SPECIES, out, outAt);
        FloatVector o01 = FloatVector.fromArray(SPECIES, out, outAt + LANES);
        FloatVector o02 = FloatVector.fromArray(SPECIES, out, outAt + 2 * LANES);
        FloatVector o03 = FloatVector.fromArray(SPECIES, out, outAt + 3 * LANES);
        FloatVector o10 = FloatVector.fromArray(SPECIES, out, outAt + outStride);
        FloatVector o11 = FloatVector.fromArray(SPECIES, out, outAt + outStride + LANES);
        FloatVector o12 = FloatVector.fromArray(SPECIES, out, outAt + outStride + 2 * LANES);
        FloatVector o13 = FloatVector.fromArray(SPECIES, out, outAt + outStride + 3 * LANES);
        FloatVector o20 = FloatVector.fromArray(SPECIES, out, outAt + 2 * outStride);
        FloatVector o21 = FloatVector.fromArray(SPECIES, out, outAt + 2 * outStride + LANES);
        FloatVector o22 = FloatVector.fromArray(SPECIES, out, outAt + 2 * outStride + 2 * LANES);
        FloatVector o23 = FloatVector.fromArray(SPECIES, out, outAt + 2 * outStride + 3 * LANES);
        FloatVector o30 = FloatVector.fromArray(SPECIES, out, outAt + 3 * outStride);
        FloatVector o31 = FloatVector.fromArray(SPECIES, out, outAt + 3 * outStride + LANES);
        FloatVector o32 = FloatVector.fromArray(SPECIES, out, outAt + 3 * outStride + 2 * LANES);
        FloatVector o33 = FloatVector.fromArray(SPECIES, out, outAt + 3 * outStride + 3 * LANES);
        FloatVector o40 = FloatVector.fromArray(SPECIES, out, outAt + 4 * outStride);
        FloatVector o41 = FloatVector.fromArray(SPECIES, out, outAt + 4 * outStride + LANES);
        FloatVector o42 = FloatVector.fromArray(SPECIES, out, outAt + 4 * outStride + 2 * LANES);
        FloatVector o43 = FloatVector.fromArray(SPECIES, out, outAt + 4 * outStride + 3 * LANES);
        FloatVector o50 = FloatVector.fromArray(SPECIES, out, outAt + 5 * outStride);
        FloatVector o51 = FloatVector.fromArray(SPECIES, out, outAt + 5 * outStride + LANES);
        FloatVector o52 = FloatVector.fromArray(SPECIES, out, outAt + 5 * outStride + 2 * LANES);
        FloatVector o53 = FloatVector.fromArray(SPECIES, out, outAt + 5 * outStride + 3 * LANES);
        for (int p = at; p < at + count; p++, valuesAt += rowBytes) {
            FloatVector v0 = FloatVector.fromMemorySegment(SPECIES, values, valuesAt, ORDER);
            FloatVector v1 = FloatVector.fromMemorySegment(SPECIES, values, valuesAt + VECTOR_BYTES, ORDER);
            FloatVector v2 = FloatVector.fromMemorySegment(SPECIES, values, valuesAt + 2 * VECTOR_BYTES, ORDER);
            FloatVector v3 = FloatVector.fromMemorySegment(SPECIES, values, valuesAt + 3 * VECTOR_BYTES, ORDER);
            FloatVector w0 = FloatVector.broadcast(SPECIES, weights[p]);
            o00 = w0.fma(v0, o00);
            o01 = w0.fma(v1, o01);
            o02 = w0.fma(v2, o02);
            o03 = w0.fma(v3, o03);
            FloatVector w1 = FloatVector.broadcast(SPECIES, weights[p + weightStride]);
            o10 = w1.fma(v0, o10);
            o11 = w1.fma(v1, o11);
            o12 = w1.fma(v2, o12);
            o13 = w1.fma(v3, o13);
            FloatVector w2 = FloatVector.broadcast(SPECIES, weights[p + 2 * weightStride]);
            o20 = w2.fma(v0, o20);
            o21 = w2.fma(v1, o21);
            o22 = w2.fma(v2, o22);
            o23 = w2.fma(v3, o23);
            FloatVector w3 = FloatVector.broadcast(SPECIES, weights[p + 3 * weightStride]);
            o30 = w3.fma(v0, o30);
            o31 = w3.fma(v1, o31);
            o32 = w3.fma(v2, o32);
            o33 = w3.fma(v3, o33);
            FloatVector w4 = FloatVector.broadcast(SPECIES, weights[p + 4 * weightStride]);
            o40 = w4.fma(v0, o40);
            o41 = w4.fma(v1, o41);
            o42 = w4.fma(v2, o42);
            o43 = w4.fma(v3, o43);
            FloatVector w5 = FloatVector.broadcast(SPECIES, weights[p + 5 * weightStride]);
            o50 = w5.fma(v0, o50);
            o51 = w5.fma(v1, o51);
            o52 = w5.fma(v2, o52);
            o53 = w5.fma(v3, o53);
        }
        o00.intoArray(out, outAt);
        o01.intoArray(out, outAt + LANES);
        o02.intoArray(out, outAt + 2 * LANES);
        o03.intoArray(out, outAt + 3 * LANES);
        o10.intoArray(out, outAt + outStride);
        o11.intoArray(out, outAt + outStride + LANES);
        o12.intoArray(out, outAt + outStride + 2 * LANES);
        o13.intoArray(out, outAt + outStride + 3 * LANES);
        o20.intoArray(out, outAt + 2 * outStride);
        o21.intoArray(out, outAt + 2 * outStride + LANES);
        o22.intoArray(out, outAt + 2 * outStride + 2 * LANES);
        o23.intoArray(out, outAt + 2 * outStride + 3 * LANES);
        o30.intoArray(out, outAt + 3 * outStride);
        o31.intoArray(out, outAt + 3 * outStride + LANES);
        o32.intoArray(out, outAt + 3 * outStride + 2 * LANES);
        o33.intoArray(out, outAt + 3 * outStride + 3 * LANES);
        o40.intoArray(out, outAt + 4 * outStride);
        o41.intoArray(out, outAt + 4 * outStride + LANES);
        o42.intoArray(out, outAt + 4 * outStride + 2 * LANES);
        o43.intoArray(out, outAt + 4 * outStride + 3 * LANES);
        o50.intoArray(out, outAt + 5 * outStride);
        o51.intoArray(out, outAt + 5 * outStride + LANES);
        o52.intoArray(out, outAt + 5 * outStride + 2 * LANES);
        o53.intoArray(out, outAt + 5 * outStride + 3 * LANES);
    }
}
