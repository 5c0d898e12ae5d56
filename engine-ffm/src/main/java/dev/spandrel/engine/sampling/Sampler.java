package dev.spandrel.engine.sampling;

import dev.spandrel.engine.SamplingParams;
import java.util.Arrays;

/**
 * Chooses a token: greedy, or by temperature, then min-p, top-k and top-p, in vLLM's order (top-p counts the probability
 * among those that the others left). One thread; scratch for one row.
 */
public final class Sampler {
    /** Colder than this is unstable in F32; vLLM raises to the same value. */
    private static final double LEAST_TEMPERATURE = 0.01;

    /** Not a token: the best score is no finite number, so there is nothing to choose from. */
    public static final int NOT_A_NUMBER = -1;

    /** Not a token either: the model's scores are numbers, but what changed them left no token. */
    public static final int NOTHING_ALLOWED = -2;

    private final float[] probabilities;
    private final float[] sorted;

    /** @param vocabSize longest row */
    public Sampler(int vocabSize) {
        probabilities = new float[vocabSize];
        sorted = new float[vocabSize];
    }

    /**
     * Samples one row.
     *
     * @param logits the row; not changed
     * @param count its length
     * @param seed of the request
     * @param position number of the token in the request's output: the random draw depends on nothing but both
     * @return a token id, or {@link #NOT_A_NUMBER}
     */
    public int sample(float[] logits, int count, SamplingParams params, long seed, int position) {
        int best = argmax(logits, count);
        if (!Float.isFinite(logits[best])) {
            return NOT_A_NUMBER;
        }
        float inverse = inverseTemperature(params);
        return inverse == 0
                ? best
                : draw(
                        logits,
                        0,
                        count,
                        best,
                        inverse,
                        (float) params.minP(),
                        params.topK(),
                        (float) params.topP(),
                        uniform(seed, position));
    }

    /**
     * Draws from the row that begins at {@code at}.
     *
     * @param best index of its largest logit, a finite number
     * @param inverse factor on logits, not 0
     * @param minP 0 = all
     * @param topK 0 = all
     * @param topP 1 = all
     * @param uniform the random number, in [0, 1)
     * @return an index in the row
     */
    public int draw(
            float[] logits,
            int at,
            int count,
            int best,
            float inverse,
            float minP,
            int topK,
            float topP,
            double uniform) {
        float max = logits[at + best];
        for (int i = 0; i < count; i++) {
            probabilities[i] = exp((logits[at + i] - max) * inverse);
        }
        if (minP > 0) {
            drop(count, minP);
        }
        float least = threshold(count, topK, topP);
        double total = 0;
        for (int i = 0; i < count; i++) {
            if (probabilities[i] >= least) {
                total += probabilities[i];
            }
        }
        double target = uniform * total;
        for (int i = 0; i < count; i++) {
            if (probabilities[i] >= least) {
                target -= probabilities[i];
                if (target < 0) {
                    return i;
                }
            }
        }
        return best;
    }

    /** The factor on logits that a temperature is, as it is used here; 0 where the likeliest token is taken. */
    public static float inverseTemperature(SamplingParams params) {
        return params.greedy() || params.topK() == 1
                ? 0
                : (float) (1 / Math.max(params.temperature(), LEAST_TEMPERATURE));
    }

    /** Index of the largest logit, the first of equals; NaN counts as smallest. */
    public static int argmax(float[] logits, int count) {
        int best = 0;
        for (int i = 1; i < count; i++) {
            if (logits[i] > logits[best] || logits[best] != logits[best]) {
                best = i;
            }
        }
        return best;
    }

    /**
     * e^x for x ≤ 0 within 2 units in the last place, 0 below −87 and for NaN: plain operations that the compiler turns into
     * vectors, where {@code Math.exp} is a call per token id. Cody and Waite's reduction, Cephes' polynomial.
     */
    static float exp(float x) {
        float bounded = Math.max(x, -87f);
        int n = (int) (bounded * 1.44269504f - 0.5f);
        float r = Math.fma(n, -0.693359375f, bounded);
        r = Math.fma(n, 2.12194440e-4f, r);
        float p = Math.fma(1.9875691500e-4f, r, 1.3981999507e-3f);
        p = Math.fma(p, r, 8.3334519073e-3f);
        p = Math.fma(p, r, 4.1665795894e-2f);
        p = Math.fma(p, r, 1.6666665459e-1f);
        p = Math.fma(p, r, 5.0000001201e-1f);
        float e = Math.fma(p * r, r, r) + 1;
        return x >= -87f ? e * Float.intBitsToFloat((n + 127) << 23) : 0;
    }

    /** The likeliest has the unnormalised probability 1, so a share of it is the number itself. */
    private void drop(int count, float least) {
        for (int i = 0; i < count; i++) {
            probabilities[i] = probabilities[i] >= least ? probabilities[i] : 0;
        }
    }

    /** Smallest unnormalised probability that top-k and top-p keep; equals of the last one kept stay too. */
    private float threshold(int count, int topK, float topP) {
        int keep = topK > 0 ? Math.min(topK, count) : count;
        if (keep == count && topP == 1) {
            return 0;
        }
        System.arraycopy(probabilities, 0, sorted, 0, count);
        Arrays.sort(sorted, 0, count);
        float least = sorted[count - keep];
        if (topP == 1) {
            return least;
        }
        double total = 0;
        for (int i = count - keep; i < count; i++) {
            total += sorted[i];
        }
        double kept = 0;
        for (int i = count - 1; i >= count - keep; i--) {
            kept += sorted[i];
            if (kept >= topP * total) {
                return sorted[i];
            }
        }
        return least;
    }

    /** A number in [0, 1) from 53 bits of SplitMix64 (Steele, Lea and Flood, 2014) at the given point of its sequence. */
    public static double uniform(long seed, int position) {
        long z = mix(seed) + (position + 1L) * 0x9E3779B97F4A7C15L;
        return (mix(z) >>> 11) * 0x1.0p-53;
    }

    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
