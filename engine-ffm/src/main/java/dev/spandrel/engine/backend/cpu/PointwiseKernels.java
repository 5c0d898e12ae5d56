package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Kernels over single rows. None uses an operation whose bits the Vector API leaves open ({@code reduceLanes(ADD)}, {@code
 * EXP}): those differ between interpreter and compiled code, and the same request must give the same tokens cold and hot.
 */
final class PointwiseKernels {
    private static final float LOG2_E = 1.44269504f;
    /** ln 2 in two pieces, so that n × ln 2 is exact to beyond F32 (Cody and Waite, 1980). */
    private static final float LN2_HIGH = 0.693359375f;

    private static final float LN2_LOW = -2.12194440e-4f;
    /** Below this e^x is smaller than the smallest normal F32. */
    private static final float LEAST_EXPONENT = -87.3f;
    /** Adding and taking away 1.5 × 2^23 rounds to the nearest integer, ties to even. */
    private static final float ROUND = 12_582_912f;

    private PointwiseKernels() {}

    /** e^x for x ≤ 0 within 2 units in the last place; 0 below −87.3, by polynomial as in Cephes' expf. */
    static FloatVector exp(FloatVector x) {
        FloatVector bounded = x.max(LEAST_EXPONENT);
        // To the nearest integer in both types at once: conversions of the Vector API look for numbers that do not fit.
        FloatVector shifted = bounded.mul(LOG2_E).add(ROUND);
        IntVector n = shifted.reinterpretAsInts().sub(Float.floatToRawIntBits(ROUND));
        FloatVector whole = shifted.sub(ROUND);
        FloatVector r = whole.fma(broadcast(-LN2_HIGH), bounded);
        r = whole.fma(broadcast(-LN2_LOW), r);
        FloatVector p = broadcast(1.9875691500e-4f);
        p = p.fma(r, broadcast(1.3981999507e-3f));
        p = p.fma(r, broadcast(8.3334519073e-3f));
        p = p.fma(r, broadcast(4.1665795894e-2f));
        p = p.fma(r, broadcast(1.6666665459e-1f));
        p = p.fma(r, broadcast(5.0000001201e-1f));
        FloatVector e = p.mul(r).fma(r, r).add(1f);
        FloatVector power = n.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
        return e.mul(power).blend(0f, x.compare(VectorOperators.LT, LEAST_EXPONENT));
    }

    static FloatVector broadcast(float value) {
        return FloatVector.broadcast(SPECIES, value);
    }

    /** Sum of a vector's lanes, first to last; as an array, since a vector that is handed to a method the JIT does not inline is garbage. */
    static float sumLanes(float[] lanes) {
        float sum = 0;
        for (int i = 0; i < LANES; i++) {
            sum += lanes[i];
        }
        return sum;
    }

    /** {@code out[i] += in[i]} from {@code from} to {@code to − 1}. */
    static void add(float[] in, float[] out, int from, int to) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector.fromArray(SPECIES, out, i)
                    .add(FloatVector.fromArray(SPECIES, in, i))
                    .intoArray(out, i);
        }
        for (; i < to; i++) {
            out[i] += in[i];
        }
    }

    /**
     * Layer normalisation of one row.
     *
     * @param weight packed vector, or null for 1
     * @param bias packed vector, or null for 0
     * @param lanes scratch of at least {@code LANES}
     */
    static void layerNorm(
            float[] in,
            int at,
            int columns,
            MemorySegment weight,
            MemorySegment bias,
            float epsilon,
            float[] out,
            int outAt,
            float[] lanes) {
        int whole = columns - columns % LANES;
        FloatVector sums = FloatVector.zero(SPECIES);
        for (int c = 0; c < whole; c += LANES) {
            sums = sums.add(FloatVector.fromArray(SPECIES, in, at + c));
        }
        sums.intoArray(lanes, 0);
        float sum = sumLanes(lanes);
        for (int c = whole; c < columns; c++) {
            sum += in[at + c];
        }
        float mean = sum / columns;
        FloatVector squares = FloatVector.zero(SPECIES);
        for (int c = 0; c < whole; c += LANES) {
            FloatVector d = FloatVector.fromArray(SPECIES, in, at + c).sub(mean);
            squares = d.fma(d, squares);
        }
        squares.intoArray(lanes, 0);
        float square = sumLanes(lanes);
        for (int c = whole; c < columns; c++) {
            square += (in[at + c] - mean) * (in[at + c] - mean);
        }
        float scale = (float) (1 / Math.sqrt(square / columns + epsilon));
        for (int c = 0; c < columns; c += LANES) {
            var mask = SPECIES.indexInRange(c, columns);
            FloatVector y =
                    FloatVector.fromArray(SPECIES, in, at + c, mask).sub(mean).mul(scale);
            FloatVector factor = weight == null ? broadcast(1) : load(weight, c);
            FloatVector summand = bias == null ? broadcast(0) : load(bias, c);
            y.mul(factor).add(summand).intoArray(out, outAt + c, mask);
        }
    }

    /**
     * Root-mean-square normalisation of one row; {@code out} takes it at the same place.
     *
     * @param weight packed vector
     * @param lanes scratch of at least {@code LANES}
     */
    static void rmsNorm(
            float[] in, int at, int columns, MemorySegment weight, float epsilon, float[] out, float[] lanes) {
        int whole = columns - columns % LANES;
        FloatVector squares = FloatVector.zero(SPECIES);
        for (int c = 0; c < whole; c += LANES) {
            FloatVector x = FloatVector.fromArray(SPECIES, in, at + c);
            squares = x.fma(x, squares);
        }
        squares.intoArray(lanes, 0);
        float square = sumLanes(lanes);
        for (int c = whole; c < columns; c++) {
            square += in[at + c] * in[at + c];
        }
        float scale = (float) (1 / Math.sqrt(square / columns + epsilon));
        for (int c = 0; c < columns; c += LANES) {
            var mask = SPECIES.indexInRange(c, columns);
            FloatVector.fromArray(SPECIES, in, at + c, mask)
                    .mul(scale)
                    .mul(load(weight, c))
                    .intoArray(out, at + c, mask);
        }
    }

    /**
     * Turns columns i and i + half of one head by angle i. In vectors, and not left to the JIT, which cannot know that two arrays
     * read at different places are not one.
     */
    static void rotate(float[] x, int at, int half, float[] angles, int angleAt) {
        int i = 0;
        for (; i + LANES <= half; i += LANES) {
            FloatVector cos = FloatVector.fromArray(SPECIES, angles, angleAt + i);
            FloatVector sin = FloatVector.fromArray(SPECIES, angles, angleAt + half + i);
            FloatVector left = FloatVector.fromArray(SPECIES, x, at + i);
            FloatVector right = FloatVector.fromArray(SPECIES, x, at + half + i);
            left.mul(cos).sub(right.mul(sin)).intoArray(x, at + i);
            right.mul(cos).add(left.mul(sin)).intoArray(x, at + half + i);
        }
        for (; i < half; i++) {
            float cos = angles[angleAt + i];
            float sin = angles[angleAt + half + i];
            float left = x[at + i];
            float right = x[at + half + i];
            x[at + i] = left * cos - right * sin;
            x[at + half + i] = right * cos + left * sin;
        }
    }

    /** {@code out[i] = in[i] / divisor}. */
    static void divide(float[] in, int at, float divisor, float[] out, int outAt, int count) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            FloatVector.fromArray(SPECIES, in, at + i).div(divisor).intoArray(out, outAt + i);
        }
        for (; i < count; i++) {
            out[outAt + i] = in[at + i] / divisor;
        }
    }

    /** {@code out[i] = left[i] × right[i]}. */
    static void multiply(float[] left, float[] right, int at, float[] out, int outAt, int count) {
        for (int i = 0; i < count; i++) {
            out[outAt + i] = left[at + i] * right[at + i];
        }
    }

    /** {@code out[i] *= in[i]}. */
    static void multiply(float[] in, int at, float[] out, int outAt, int count) {
        for (int i = 0; i < count; i++) {
            out[outAt + i] *= in[at + i];
        }
    }

    /** Vectors are packed to whole panels, so loading past their end reads zeros. */
    private static FloatVector load(MemorySegment vector, int at) {
        return FloatVector.fromMemorySegment(SPECIES, vector, at * 4L, ORDER);
    }
}
