package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.sampling.Sampler;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What is drawn in the backend is what the sampler draws from the same row. */
class RowDrawsTest {
    @Test
    void theLargestIsTheFirstOfEquals() {
        SplittableRandom random = new SplittableRandom(3);
        for (int count = 1; count < 100; count++) {
            float[] x = new float[count + 5];
            for (int i = 0; i < x.length; i++) {
                x[i] = random.nextInt(7) - 3;
            }
            if (count > 2) {
                x[5 + count / 2] = Float.NaN;
            }
            float[] row = java.util.Arrays.copyOfRange(x, 5, x.length);
            assertThat(RowDraws.argmax(x, 5, count)).isEqualTo(Sampler.argmax(row, count));
        }
    }

    @Test
    void whatIsNoFiniteNumberIsNotDrawn() {
        float[] x = new float[40];
        x[33] = Float.POSITIVE_INFINITY;
        assertThat(RowDraws.argmax(x, 0, 40)).isEqualTo(Sampler.NOT_A_NUMBER);
        java.util.Arrays.fill(x, Float.NaN);
        assertThat(RowDraws.argmax(x, 0, 40)).isEqualTo(Sampler.NOT_A_NUMBER);
        java.util.Arrays.fill(x, Float.NEGATIVE_INFINITY);
        assertThat(RowDraws.argmax(x, 0, 40)).isEqualTo(Sampler.NOT_A_NUMBER);
    }

    @Test
    void drawsAreTheSamplers() {
        int rows = 40;
        int columns = 300;
        SplittableRandom random = new SplittableRandom(5);
        HostBuffer logits = HostBuffer.of((long) rows * columns);
        for (int i = 0; i < logits.values().length; i++) {
            logits.values()[i] = (float) random.nextDouble(-3, 3);
        }
        Draws draws = new Draws(rows);
        int[] expected = new int[rows];
        Sampler sampler = new Sampler(columns);
        for (int r = 0; r < rows; r++) {
            SamplingParams params = SamplingParams.DEFAULT
                    .withTemperature(r % 3 * 0.6)
                    .withTopK(r % 5 * 10)
                    .withTopP(r % 2 == 0 ? 1 : 0.8);
            float[] row = java.util.Arrays.copyOfRange(logits.values(), r * columns, (r + 1) * columns);
            expected[r] = sampler.sample(row, columns, params, r, 2);
            draws.add(
                    r, Sampler.inverseTemperature(params), params.topK(), (float) params.topP(), Sampler.uniform(r, 2));
        }
        int[] tokens = new int[rows];
        try (CpuBackend backend = new CpuBackend(BackendOptions.threads(3))) {
            assertThat(backend.draw(logits, columns, draws)).isTrue();
            backend.readDrawn(tokens);
        }
        assertThat(tokens).isEqualTo(expected);
        assertThat(java.util.Arrays.stream(tokens).distinct().count()).isGreaterThan(5);
    }
}
