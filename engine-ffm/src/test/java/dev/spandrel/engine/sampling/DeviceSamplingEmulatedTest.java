package dev.spandrel.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cuda.CudaBackend;
import dev.spandrel.engine.backend.cuda.CudaTesting;
import dev.spandrel.engine.cuda.EmulatedCuda;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
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
        Draws draws = new Draws(ROWS, COLUMNS);
        for (int r = 0; r < ROWS; r++) {
            params[r] = params(random, r);
            add(draws, ROWS - 1 - r, params[r], r, false);
        }
        int[] found = drawn(logits, draws);
        Sampler sampler = new Sampler(COLUMNS);
        for (int r = 0; r < ROWS; r++) {
            float[] row = row(logits, ROWS - 1 - r);
            assertThat(found[r])
                    .as("row %d, %s", r, params[r])
                    .isEqualTo(sampler.sample(row, COLUMNS, params[r], r, 3));
        }
    }

    private static SamplingParams params(Random random, int row) {
        double temperature = row % 4 == 0 ? 0 : 0.3 + random.nextDouble();
        int topK = row % 3 == 0 ? 0 : 1 + random.nextInt(60);
        double topP = row % 2 == 0 ? 1 : 0.2 + 0.7 * random.nextDouble();
        double minP = row % 5 == 0 ? 0.02 + 0.3 * random.nextDouble() : 0;
        return SamplingParams.DEFAULT.withTemperature(temperature).withTopK(topK).withTopP((float) topP).toBuilder()
                .minP((float) minP)
                .build();
    }

    private static void add(Draws draws, int row, SamplingParams params, long seed, boolean changed) {
        draws.add(
                row,
                Sampler.inverseTemperature(params),
                params.topK(),
                (float) params.topP(),
                (float) params.minP(),
                Sampler.uniform(seed, 3),
                changed);
    }

    private static float[] row(float[] logits, int row) {
        return Arrays.copyOfRange(logits, row * COLUMNS, (row + 1) * COLUMNS);
    }

    private static int[] drawn(float[] logits, Draws draws) {
        int[] found = new int[ROWS];
        try (CudaBackend backend = new CudaBackend(CudaTesting.exact(WeightPolicy.AS_STORED))) {
            Tensor table = new Tensor(DType.F32, List.of((long) ROWS, (long) COLUMNS), MemorySegment.ofArray(logits));
            int[] ids = IntStream.range(0, ROWS).toArray();
            Buffer rows = backend.allocate(logits.length);
            backend.embed(backend.upload(table), ids, ROWS, false, rows);
            assertThat(backend.draw(rows, COLUMNS, draws)).isTrue();
            backend.readDrawn(found);
        }
        return found;
    }

    /** What requests change in their scores before: each rule alone and all together, beside rows that nobody changes. */
    @Test
    void changesScoresAsTheHostDoes() {
        Random random = new Random(12);
        float[] logits = new float[ROWS * COLUMNS];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian() * 3;
        }
        logits[9 * COLUMNS + 5] = Float.NaN;
        logits[10 * COLUMNS + 6] = Float.POSITIVE_INFINITY;
        SamplingParams[] params = new SamplingParams[ROWS];
        int[] expected = new int[ROWS];
        Draws draws = new Draws(ROWS, COLUMNS);
        Sampler sampler = new Sampler(COLUMNS);
        for (int r = 0; r < ROWS; r++) {
            params[r] = params(random, r);
            float[] row = row(logits, r);
            int[] tokens = random.ints(90, 0, 200).toArray();
            TokenHistory history = new TokenHistory(tokens, 40, tokens.length);
            List<LogitsProcessor> processors = processors(random, r, row, tokens);
            boolean finite = Float.isFinite(row[Sampler.argmax(row, COLUMNS)]);
            if (!processors.isEmpty()) {
                draws.changes().startRow();
                processors.forEach(processor -> processor.note(draws.changes(), history));
            }
            add(draws, r, params[r], r, !processors.isEmpty());
            processors.forEach(processor -> processor.process(row, COLUMNS, history));
            int token = sampler.sample(row, COLUMNS, params[r], r, 3);
            boolean nothing = finite && !processors.isEmpty() && token == Sampler.NOT_A_NUMBER;
            expected[r] = !finite ? Sampler.NOT_A_NUMBER : nothing ? Sampler.NOTHING_ALLOWED : token;
        }
        assertThat(draws.changes().fits()).isTrue();
        assertThat(expected).contains(Sampler.NOTHING_ALLOWED, Sampler.NOT_A_NUMBER);
        assertThat(drawn(logits, draws)).isEqualTo(expected);
    }

    private static List<LogitsProcessor> processors(Random random, int row, float[] logits, int[] tokens) {
        int best = Sampler.argmax(logits, COLUMNS);
        List<LogitsProcessor> all = List.of(
                new AllowedTokens(random.ints(300, 0, COLUMNS).boxed().toList()),
                new BadWords(List.of(new int[] {best}, new int[] {tokens[89], best}, new int[] {7, 8})),
                new MinTokens(60, new int[] {best, 17}),
                new LogitBias(Map.of(best, -2.5, 11, 9.25, 2999, 4.0)),
                new TokenPenalties(new Penalties(0.7, 0.3, 1.4), COLUMNS));
        return switch (row) {
            case 8, 13 -> List.of();
            case 11 -> List.of(new AllowedTokens(List.of(3)), new BadWords(List.of(new int[] {3})));
            default -> row < 5 ? List.of(all.get(row)) : all.subList(row % 3, all.size() - row % 2);
        };
    }

    /**
     * Requests that come, go and pause over many draws: what the device keeps of their tokens is what the host counts, however it
     * moves, and a draw of those that were in the last one sends little.
     */
    @Test
    void countsStayOnTheDevice() {
        Random random = new Random(13);
        int requests = 24;
        int columns = 2500;
        float[] logits = new float[requests * columns];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        int[][] tokens = new int[requests][];
        int[] lengths = new int[requests];
        LogitsProcessor[] ours = new LogitsProcessor[requests];
        LogitsProcessor[] theirs = new LogitsProcessor[requests];
        Sampler sampler = new Sampler(columns);
        SamplingParams greedy = SamplingParams.DEFAULT.withTemperature(0);
        Draws draws = new Draws(requests, columns);
        int[] found = new int[requests];
        try (CudaBackend backend = new CudaBackend(CudaTesting.exact(WeightPolicy.AS_STORED))) {
            Tensor table =
                    new Tensor(DType.F32, List.of((long) requests, (long) columns), MemorySegment.ofArray(logits));
            Weight weight = backend.upload(table);
            Buffer rows = backend.allocate(logits.length);
            int[] ids = IntStream.range(0, requests).toArray();
            int little = 0;
            for (int draw = 0; draw < 90; draw++) {
                backend.embed(weight, ids, requests, false, rows);
                draws.clear();
                int[] expected = new int[requests];
                // At first more than there is room for at once; then the same ones again and again.
                boolean same = draw >= 80;
                int count = 0;
                for (int r = 0; r < requests; r++) {
                    if (tokens[r] == null || !same && random.nextInt(3) == 0) {
                        tokens[r] = random.ints(4000, 0, columns).toArray();
                        lengths[r] = 1 + random.nextInt(3000);
                        Penalties penalties = new Penalties(random.nextFloat(), random.nextFloat(), 1.5);
                        ours[r] = new TokenPenalties(penalties, columns);
                        theirs[r] = new TokenPenalties(penalties, columns);
                    }
                    if (!same && random.nextInt(4) == 0) {
                        continue;
                    }
                    lengths[r] += 1 + random.nextInt(2);
                    TokenHistory history = new TokenHistory(tokens[r], Math.min(500, lengths[r]), lengths[r]);
                    draws.changes().startRow();
                    theirs[r].note(draws.changes(), history);
                    add(draws, r, greedy, r, true);
                    float[] row = Arrays.copyOfRange(logits, r * columns, (r + 1) * columns);
                    ours[r].process(row, columns, history);
                    expected[count++] = sampler.sample(row, columns, greedy, r, 3);
                }
                assertThat(draws.changes().fits()).isTrue();
                assertThat(backend.draw(rows, columns, draws)).isTrue();
                backend.readDrawn(found);
                assertThat(Arrays.copyOf(found, count)).as("draw %d", draw).isEqualTo(Arrays.copyOf(expected, count));
                little += CudaTesting.sentChanges(backend) <= requests * (44 + 2 * 12) ? 1 : 0;
            }
            assertThat(little).isBetween(6, 9);
        }
    }

    /** More than there is room for is said, so that somebody else makes them. */
    @Test
    void thereIsALimit() {
        ScoreChanges changes = new ScoreChanges(100, 5, 300);
        for (int row = 0; row < 3; row++) {
            assertThat(changes.fits()).isTrue();
            changes.startRow();
            changes.add(1, 2);
            changes.add(1, 3);
            changes.add(7, 1);
        }
        assertThat(changes.count()).isEqualTo(6);
        assertThat(changes.bias(4)).isEqualTo(5);
        assertThat(changes.fits()).isFalse();
        changes.clear();
        for (int row = 0; row < 2; row++) {
            assertThat(changes.fits()).isTrue();
            changes.startRow();
            changes.penalize(new TokenCounts(100), 1, 1, 1);
        }
        assertThat(changes.fits()).as("counts need room as well").isFalse();
        changes.clear();
        assertThat(changes.fits()).isTrue();
        changes.startRow();
        for (int token = 0; token < 100; token++) {
            changes.add(token, token);
        }
        for (int token = 0; token < 100; token++) {
            assertThat(changes.token(token)).isEqualTo(token);
            assertThat(changes.bias(token)).as("however the room grows").isEqualTo(token);
        }
    }
}
