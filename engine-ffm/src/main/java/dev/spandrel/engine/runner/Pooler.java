package dev.spandrel.engine.runner;

import dev.spandrel.engine.Pooling;

/** Collects the hidden states of one prompt on the engine thread; the reader takes the vector after the end. */
final class Pooler {
    private final Pooling pooling;
    private final boolean normalized;
    private final int promptLength;
    private double[] sum;
    private int pooled;

    /** @param promptLength tokens of the prompt */
    Pooler(Pooling pooling, boolean normalized, int promptLength) {
        this.pooling = pooling;
        this.normalized = normalized;
        this.promptLength = promptLength;
    }

    /** Whether the states of all tokens are needed, and some are missing. */
    boolean needsAll() {
        return pooling == Pooling.MEAN && pooled < promptLength;
    }

    /**
     * Takes the state of a token; those that were seen before a preemption come again and are left out.
     *
     * @param index of the token in the prompt
     */
    void add(int index, float[] state) {
        if (sum == null) {
            sum = new double[state.length];
        }
        if (pooling == Pooling.LAST) {
            if (index == promptLength - 1) {
                copy(state);
            }
        } else if (index == pooled) {
            for (int i = 0; i < state.length; i++) {
                sum[i] += state[i];
            }
            pooled++;
        }
    }

    private void copy(float[] state) {
        for (int i = 0; i < state.length; i++) {
            sum[i] = state[i];
        }
    }

    /** The vector; a sum and a mean differ in length only, so it is scaled once. */
    float[] vector() {
        double squares = 0;
        for (double value : sum) {
            squares += value * value;
        }
        double scale =
                normalized ? 1 / Math.max(Math.sqrt(squares), 1e-12) : pooling == Pooling.MEAN ? 1.0 / promptLength : 1;
        float[] vector = new float[sum.length];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = (float) (sum[i] * scale);
        }
        return vector;
    }
}
