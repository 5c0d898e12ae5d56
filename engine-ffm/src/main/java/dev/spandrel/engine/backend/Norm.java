package dev.spandrel.engine.backend;

import dev.spandrel.engine.tensor.Buffer;

/**
 * A normalisation of rows in front of a product.
 *
 * @param centred layer normalisation, else root-mean-square normalisation
 * @param weight per-column factor; null for 1, where it is centred
 * @param bias per-column summand, or null for 0; only where it is centred
 */
public record Norm(boolean centred, Weight weight, Weight bias, float epsilon) {
    /** {@link Backend#layerNorm}. */
    public static Norm layer(Weight weight, Weight bias, float epsilon) {
        return new Norm(true, weight, bias, epsilon);
    }

    /** {@link Backend#rmsNorm}. */
    public static Norm rms(Weight weight, float epsilon) {
        return new Norm(false, weight, null, epsilon);
    }

    /** Normalises rows by itself. */
    public void apply(Backend backend, Buffer in, int rows, int columns, Buffer out) {
        if (centred) {
            backend.layerNorm(in, rows, columns, weight, bias, epsilon, out);
        } else {
            backend.rmsNorm(in, rows, columns, weight, epsilon, out);
        }
    }
}
