package dev.spandrel.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cuda.CudaBackend;
import dev.spandrel.engine.backend.cuda.CudaTesting;
import dev.spandrel.engine.cuda.EmulatedCuda;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tokens drawn on the device are those the host's sampler draws. */
class DeviceSamplingEmulatedTest {
    private static final int ROWS = 24;
    private static final int COLUMNS = 3001;

    @BeforeEach
    void emulate() {
        EmulatedCuda.open();
    }

    @Test
    void drawsWhatTheHostDraws() {
        Random random = new Random(11);
        float[] logits = new float[ROWS * COLUMNS];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian() * 3;
        }
        logits[5 * COLUMNS + 77] = Float.NaN;
        logits[6 * COLUMNS + 78] = Float.POSITIVE_INFINITY;
        for (int i = 0; i < COLUMNS; i++) {
            logits[7 * COLUMNS + i] = Float.NaN;
        }
        SamplingParams[] params = new SamplingParams[ROWS];
        Draws draws = new Draws(ROWS);
        for (int r = 0; r < ROWS; r++) {
            double temperature = r % 4 == 0 ? 0 : 0.3 + random.nextDouble();
            int topK = r % 3 == 0 ? 0 : 1 + random.nextInt(60);
            double topP = r % 2 == 0 ? 1 : 0.2 + 0.7 * random.nextDouble();
            params[r] = SamplingParams.DEFAULT
                    .withTemperature(temperature)
                    .withTopK(topK)
                    .withTopP((float) topP);
            float inverse = temperature == 0 || topK == 1 ? 0 : (float) (1 / Math.max(temperature, 0.01));
            draws.add(ROWS - 1 - r, inverse, topK, (float) topP, Sampler.uniform(r, 3));
        }
        int[] found = new int[ROWS];
        try (CudaBackend backend = new CudaBackend(CudaTesting.exact(WeightPolicy.AS_STORED))) {
            Tensor table = new Tensor(DType.F32, List.of((long) ROWS, (long) COLUMNS), MemorySegment.ofArray(logits));
            int[] ids = java.util.stream.IntStream.range(0, ROWS).toArray();
            Buffer rows = backend.allocate(logits.length);
            backend.embed(backend.upload(table), ids, ROWS, false, rows);
            assertThat(backend.draw(rows, COLUMNS, draws)).isTrue();
            backend.readDrawn(found);
        }
        Sampler sampler = new Sampler(COLUMNS);
        float[] row = new float[COLUMNS];
        for (int r = 0; r < ROWS; r++) {
            System.arraycopy(logits, (ROWS - 1 - r) * COLUMNS, row, 0, COLUMNS);
            assertThat(found[r])
                    .as("row %d, %s", r, params[r])
                    .isEqualTo(sampler.sample(row, COLUMNS, params[r], r, 3));
        }
    }
}
