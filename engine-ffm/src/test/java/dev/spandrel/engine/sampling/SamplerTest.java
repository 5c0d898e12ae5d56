package dev.spandrel.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.spandrel.engine.SamplingParams;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final float[] LOGITS = {1f, 3f, 2f, 0f, -1f};
    private final Sampler sampler = new Sampler(LOGITS.length);

    @Test
    void greedyTakesTheLargestAndTheFirstOfEquals() {
        SamplingParams greedy = SamplingParams.DEFAULT.withTemperature(0);
        assertThat(sampler.sample(LOGITS, 5, greedy, 1, 0)).isEqualTo(1);
        assertThat(sampler.sample(new float[] {2, 5, 5}, 3, greedy, 1, 0)).isEqualTo(1);
        assertThat(sampler.sample(new float[] {Float.NaN, 5, 4}, 3, greedy, 1, 0))
                .isEqualTo(1);
    }

    @Test
    void scoresThatAreNoNumbersGiveNoToken() {
        float none = Float.NEGATIVE_INFINITY;
        for (float bad : new float[] {Float.NaN, none, Float.POSITIVE_INFINITY}) {
            assertThat(sampler.sample(new float[] {bad, bad}, 2, SamplingParams.DEFAULT, 1, 0))
                    .isEqualTo(Sampler.NOT_A_NUMBER);
        }
        assertThat(sampler.sample(new float[] {none, 3, none}, 3, SamplingParams.DEFAULT, 1, 0))
                .isEqualTo(1);
    }

    @Test
    void frequenciesFollowTheSoftmaxAtTheTemperature() {
        double[] frequencies = frequencies(SamplingParams.DEFAULT.withTemperature(0.7));
        double sum = 0;
        for (float logit : LOGITS) {
            sum += Math.exp(logit / 0.7);
        }
        for (int i = 0; i < LOGITS.length; i++) {
            assertThat(frequencies[i]).isCloseTo(Math.exp(LOGITS[i] / 0.7) / sum, within(0.01));
        }
    }

    @Test
    void topKKeepsTheLargest() {
        double[] frequencies = frequencies(SamplingParams.DEFAULT.withTopK(2));
        assertThat(frequencies[1] + frequencies[2]).isEqualTo(1);
        assertThat(frequencies[2]).isCloseTo(1 / (1 + Math.E), within(0.01));
    }

    @Test
    void topPKeepsTheSmallestSetThatReachesIt() {
        // Shares: 0.636, 0.234, 0.086, 0.032, 0.012.
        assertThat(frequencies(SamplingParams.DEFAULT.withTopP(0.6))[1]).isEqualTo(1);
        double[] two = frequencies(SamplingParams.DEFAULT.withTopP(0.7));
        assertThat(two[1] + two[2]).isEqualTo(1);
        assertThat(two[2]).isPositive();
        // After top-k 2 the first holds 0.731 of what is left.
        assertThat(frequencies(SamplingParams.DEFAULT.withTopK(2).withTopP(0.73))[1])
                .isEqualTo(1);
    }

    @Test
    void theDrawDependsOnSeedAndPositionAlone() {
        SamplingParams hot = SamplingParams.DEFAULT.withTemperature(2);
        int[] first = new int[50];
        boolean differs = false;
        for (int i = 0; i < first.length; i++) {
            first[i] = sampler.sample(LOGITS, 5, hot, 42, i);
            differs |= first[i] != sampler.sample(LOGITS, 5, hot, 43, i);
        }
        for (int i = first.length - 1; i >= 0; i--) {
            assertThat(new Sampler(5).sample(LOGITS, 5, hot, 42, i)).isEqualTo(first[i]);
        }
        assertThat(differs).as("another seed says something else").isTrue();
    }

    @Test
    void expIsWithinTwoUnitsInTheLastPlace() {
        for (float x = 0; x > -87; x -= 0.0123f) {
            double expected = Math.exp(x);
            assertThat(Math.abs(Sampler.exp(x) - expected))
                    .as("e^%s", x)
                    .isLessThanOrEqualTo(2 * Math.ulp((float) expected));
        }
        assertThat(Sampler.exp(0)).isEqualTo(1);
        assertThat(Sampler.exp(-88)).isZero();
        assertThat(Sampler.exp(Float.NEGATIVE_INFINITY)).isZero();
        assertThat(Sampler.exp(Float.NaN)).isZero();
    }

    private double[] frequencies(SamplingParams params) {
        int draws = 40_000;
        double[] counts = new double[LOGITS.length];
        for (int i = 0; i < draws; i++) {
            counts[sampler.sample(LOGITS, 5, params, 99, i)] += 1.0 / draws;
        }
        for (int i = 0; i < counts.length; i++) {
            counts[i] = Math.round(counts[i] * 1e9) / 1e9;
        }
        return counts;
    }
}
