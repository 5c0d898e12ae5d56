package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.PointwiseKernels.broadcast;
import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Activations over stretches of a row, all of them through {@link PointwiseKernels#exp}, whose bits never change. */
final class ActivationKernels {
    private static final float SQRT_2_OVER_PI = (float) Math.sqrt(2 / Math.PI);
    private static final float SQRT_HALF = (float) Math.sqrt(0.5);
    /** Below this 1 − e^−2x loses bits, and a polynomial takes over (Cephes' tanhf). */
    private static final float SMALL = 0.625f;

    private ActivationKernels() {}

    /**
     * {@code x = activation(x)} from {@code from} to {@code to − 1}. A loop for each, since a vector that comes from one of
     * several branches is boxed once one of them is not inlined: 144 bytes of garbage a vector.
     */
    static void apply(Activation activation, float[] x, int from, int to) {
        switch (activation) {
            case NONE -> {
                // As it is.
            }
            case RELU -> relu(x, from, to);
            case SILU -> silu(x, from, to);
            case GELU -> gelu(x, from, to);
            case GELU_TANH -> geluTanh(x, from, to);
        }
    }

    /**
     * {@code out = activation(gate) × through}, whole vectors.
     *
     * @param at where both begin
     */
    static void gate(Activation activation, float[] gate, float[] through, int at, float[] out, int outAt, int count) {
        if (activation == Activation.SILU) {
            for (int i = 0; i < count; i += LANES) {
                FloatVector g = FloatVector.fromArray(SPECIES, gate, at + i);
                silu(g).mul(FloatVector.fromArray(SPECIES, through, at + i)).intoArray(out, outAt + i);
            }
            return;
        }
        apply(activation, gate, at, at + count);
        PointwiseKernels.multiply(gate, through, at, out, outAt, count);
    }

    private static void relu(float[] x, int from, int to) {
        for (int i = from; i < to; i += LANES) {
            var mask = SPECIES.indexInRange(i, to);
            FloatVector v = FloatVector.fromArray(SPECIES, x, i, mask);
            v.max(0).intoArray(x, i, mask);
        }
    }

    private static void silu(float[] x, int from, int to) {
        for (int i = from; i < to; i += LANES) {
            var mask = SPECIES.indexInRange(i, to);
            FloatVector v = FloatVector.fromArray(SPECIES, x, i, mask);
            silu(v).intoArray(x, i, mask);
        }
    }

    private static void gelu(float[] x, int from, int to) {
        for (int i = from; i < to; i += LANES) {
            var mask = SPECIES.indexInRange(i, to);
            FloatVector v = FloatVector.fromArray(SPECIES, x, i, mask);
            gelu(v).intoArray(x, i, mask);
        }
    }

    private static void geluTanh(float[] x, int from, int to) {
        for (int i = from; i < to; i += LANES) {
            var mask = SPECIES.indexInRange(i, to);
            FloatVector v = FloatVector.fromArray(SPECIES, x, i, mask);
            geluTanh(v).intoArray(x, i, mask);
        }
    }

    /** {@code x = cap × tanh(x / cap)} from {@code from} to {@code to − 1}. */
    static void softCap(float[] x, int from, int to, float cap) {
        for (int i = from; i < to; i += LANES) {
            var mask = SPECIES.indexInRange(i, to);
            FloatVector v = FloatVector.fromArray(SPECIES, x, i, mask);
            tanh(v.div(cap)).mul(cap).intoArray(x, i, mask);
        }
    }

    private static FloatVector silu(FloatVector v) {
        FloatVector e = PointwiseKernels.exp(v.abs().neg());
        FloatVector numerator = broadcast(1).blend(e, v.compare(VectorOperators.LT, 0));
        return v.mul(numerator).div(e.add(1));
    }

    private static FloatVector geluTanh(FloatVector v) {
        FloatVector cube = v.mul(v).mul(v);
        FloatVector inner = cube.fma(broadcast(0.044715f), v).mul(SQRT_2_OVER_PI);
        return v.mul(0.5f).mul(tanh(inner).add(1));
    }

    private static FloatVector gelu(FloatVector v) {
        return v.mul(0.5f).mul(erf(v.mul(SQRT_HALF)).add(1));
    }

    private static FloatVector tanh(FloatVector v) {
        FloatVector e = PointwiseKernels.exp(v.abs().mul(-2));
        FloatVector large = broadcast(1).sub(e).div(e.add(1));
        large = large.blend(large.neg(), v.compare(VectorOperators.LT, 0));
        FloatVector z = v.mul(v);
        FloatVector p = broadcast(-5.70498872745e-3f);
        p = p.fma(z, broadcast(2.06390887954e-2f));
        p = p.fma(z, broadcast(-5.37397155531e-2f));
        p = p.fma(z, broadcast(1.33314422036e-1f));
        p = p.fma(z, broadcast(-3.33332819422e-1f));
        return large.blend(p.mul(z).fma(v, v), v.abs().compare(VectorOperators.LT, SMALL));
    }

    /** Abramowitz and Stegun 7.1.26: within 1.5e-7, about one unit in the last place of 1. */
    private static FloatVector erf(FloatVector v) {
        FloatVector a = v.abs();
        FloatVector t = broadcast(1).div(a.fma(broadcast(0.3275911f), broadcast(1)));
        FloatVector p = broadcast(1.061405429f);
        p = p.fma(t, broadcast(-1.453152027f));
        p = p.fma(t, broadcast(1.421413741f));
        p = p.fma(t, broadcast(-0.284496736f));
        p = p.fma(t, broadcast(0.254829592f));
        FloatVector positive =
                broadcast(1).sub(p.mul(t).mul(PointwiseKernels.exp(a.mul(a).neg())));
        return positive.blend(positive.neg(), v.compare(VectorOperators.LT, 0));
    }
}
