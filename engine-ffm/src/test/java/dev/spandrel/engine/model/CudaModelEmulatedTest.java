package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cuda.CudaBackend;
import dev.spandrel.engine.backend.cuda.CudaTesting;
import dev.spandrel.engine.cuda.EmulatedCuda;
import dev.spandrel.engine.sampling.Sampler;
import dev.spandrel.engine.tensor.Buffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole networks on the emulated device: each family's logits against the plain loops, and recorded passes against others. */
class CudaModelEmulatedTest {
    private static final Path FAMILIES = Path.of("src/test/resources/families");
    private static final int BLOCK_SIZE = 16;
    private static EmulatedCuda cuda;

    @BeforeAll
    static void emulate() {
        cuda = EmulatedCuda.open();
    }

    @AfterAll
    static void nothingIsLeft() {
        cuda.assertNothingIsLeft();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"opt-125m", "opt-350m", "gpt2", "llama31-bf16", "qwen3", "gemma2", "gemma3-f16", "olmo2", "phi3"
            })
    void familiesMatchThePlainLoops(String family) {
        ModelConfig config = ModelConfig.read(FAMILIES.resolve(family));
        int[] ids = new Random(5).ints(23, 0, 64).toArray();
        float[][] expected =
                ModelRun.load(new ReferenceBackend(), config, 23, KvDType.F32).logits(ids, 0, 23);
        try (CudaBackend backend = new CudaBackend(CudaTesting.exact(WeightPolicy.AS_STORED))) {
            float[][] found = ModelRun.load(backend, config, 23, KvDType.F32).chunked(ids, 9);
            for (int t = 0; t < ids.length; t++) {
                for (int v = 0; v < expected[t].length; v++) {
                    assertThat(found[t][v]).as("token %d, logit %d", t, v).isCloseTo(expected[t][v], within(1e-4f));
                }
            }
        }
    }

    /** One pass of some sequences, one token each, as the engine runs it. */
    private record Decode(Backend backend, Model model, KvCache cache, ForwardInput input, List<int[]> tables) {
        static Decode of(Backend backend) {
            return of(backend, 4);
        }

        static Decode of(Backend backend, int blocksEach) {
            ModelConfig config = ModelConfig.read(FAMILIES.resolve("llama31-bf16"));
            Model model = ModelLoader.load(config, backend, new StepLimits(64, 8, blocksEach * BLOCK_SIZE));
            KvCache cache = KvCache.allocate(backend, model, 8 * blocksEach, BLOCK_SIZE, KvDType.F32);
            List<int[]> tables = new ArrayList<>();
            for (int s = 0; s < 7; s++) {
                int[] table = new int[blocksEach];
                for (int i = 0; i < blocksEach; i++) {
                    table[i] = blocksEach * s + (5 * i + 3) % blocksEach;
                }
                tables.add(table);
            }
            return new Decode(backend, model, cache, new ForwardInput(64, 7, 8, BLOCK_SIZE), tables);
        }

        float[][] pass(int sequences, int position) {
            input.clear();
            for (int s = 0; s < sequences; s++) {
                int[] tokens = new int[position + 1];
                Arrays.fill(tokens, (position * 7 + s * 3) % 64);
                input.add(tokens, position, position + 1, tables.get(s), 1);
            }
            backend.beginStep(input.metadata(), sequences);
            Buffer logits = model.forward(input, cache);
            backend.endStep();
            float[][] rows = new float[sequences][model.vocabSize()];
            for (int s = 0; s < sequences; s++) {
                backend.readLogits(logits, s, model.vocabSize(), rows[s]);
            }
            return rows;
        }
    }

    /** Filled-up, recorded and replayed passes say what the plain loops say, whatever the batch does meanwhile. */
    @Test
    void recordedPassesSayTheSame() {
        Decode truth = Decode.of(new ReferenceBackend());
        try (CudaBackend backend = new CudaBackend(CudaTesting.exact(WeightPolicy.AS_STORED))) {
            Decode recorded = Decode.of(backend);
            int[] batches = {1, 1, 1, 2, 3, 4, 3, 3, 1, 5, 7, 6, 7, 5, 2, 1, 3, 1, 1, 7, 4, 4, 1, 1, 3, 3, 3, 2};
            for (int position = 0; position < batches.length; position++) {
                int sequences = batches[position];
                float[][] expected = truth.pass(sequences, position);
                float[][] found = recorded.pass(sequences, position);
                for (int s = 0; s < sequences; s++) {
                    for (int v = 0; v < expected[s].length; v++) {
                        assertThat(found[s][v])
                                .as("position %d, sequence %d of %d, logit %d", position, s, sequences, v)
                                .isCloseTo(expected[s][v], within(1e-4f));
                    }
                }
            }
            assertThat(CudaTesting.replays(backend)).isGreaterThan(10);
        }
    }

    /**
     * With room for two records each kind makes way for another: of the same batch size it hands its executable on, of another, whose
     * verbs are others, it does not.
     */
    @Test
    void recordsMakeWay() {
        Decode truth = Decode.of(new ReferenceBackend(), 37);
        int[][] passes = {{1, 0}, {1, 130}, {1, 260}, {1, 1}, {4, 2}, {4, 131}, {4, 3}, {1, 261}, {4, 262}, {1, 4}};
        cuda.recover();
        try (CudaBackend backend = new CudaBackend(CudaTesting.keeping(2))) {
            Decode recorded = Decode.of(backend, 37);
            for (int[] pass : passes) {
                // Twice as they are, so that even a kind that is met first is recorded, and once more to be replayed.
                for (int position = pass[1]; position < pass[1] + 3; position++) {
                    float[][] expected = truth.pass(pass[0], position);
                    float[][] found = recorded.pass(pass[0], position);
                    for (int s = 0; s < pass[0]; s++) {
                        assertThat(found[s])
                                .as("position %d, sequence %d of %d", position, s, pass[0])
                                .containsExactly(expected[s], within(1e-4f));
                    }
                }
            }
            assertThat(CudaTesting.replays(backend)).isGreaterThanOrEqualTo(20);
        }
        long updates = cuda.calls("cuGraphExecUpdate_v2");
        long instantiated = cuda.calls("cuGraphInstantiateWithFlags");
        assertThat(updates)
                .as("all but the first two, and one that is still there")
                .isEqualTo(passes.length - 3);
        assertThat(instantiated - 2).as("refused updates").isBetween(1L, updates - 3);
        assertThat(cuda.calls("cuGraphExecDestroy")).isEqualTo(instantiated);
    }

    /**
     * Passes that are given places of drawn tokens instead of ids, before anybody has read these: the tokens are those of passes one
     * by one, whether a pass is plain, recorded or replayed, and however the sequences change their order.
     */
    @Test
    void tokensAreFedBeforeTheyAreRead() {
        int[][][] found = new int[2][][];
        for (int ahead = 0; ahead < 2; ahead++) {
            try (CudaBackend backend = new CudaBackend(CudaTesting.exact(WeightPolicy.AS_STORED))) {
                found[ahead] = generate(Decode.of(backend), 14, ahead == 1);
                assertThat(CudaTesting.replays(backend)).isGreaterThan(10);
            }
        }
        assertThat(found[1]).isDeepEqualTo(found[0]);
    }

    /** Tokens of four sequences by step; in every third step the first comes last. */
    private static int[][] generate(Decode decode, int steps, boolean ahead) {
        Backend backend = decode.backend;
        int vocab = decode.model.vocabSize();
        Draws draws = new Draws(4, vocab);
        int[][] tokens = new int[4][steps + 1];
        List<Integer> order = new ArrayList<>(List.of(0, 1, 2, 3));
        List<Integer> drawn = List.of();
        for (int s = 0; s < 4; s++) {
            tokens[s][0] = 9 * s + 1;
        }
        int[] read = new int[4];
        for (int position = 0; position < steps; position++) {
            if (position % 3 == 2) {
                order.add(order.removeFirst());
            }
            decode.input.clear();
            for (int s : order) {
                int[] known = tokens[s].clone();
                known[position] = ahead && position > 0 ? -1 - drawn.indexOf(s) : known[position];
                decode.input.add(known, position, position + 1, decode.tables.get(s), 1);
            }
            backend.beginStep(decode.input.metadata(), 4);
            Buffer logits = decode.model.forward(decode.input, decode.cache);
            backend.endStep();
            if (ahead && position > 0) {
                backend.readDrawn(read);
                for (int i = 0; i < 4; i++) {
                    tokens[drawn.get(i)][position] = read[i];
                }
            }
            draws.clear();
            for (int row = 0; row < 4; row++) {
                draws.add(row, 1.5f, 0, 1, Sampler.uniform(order.get(row), position));
            }
            assertThat(backend.draw(logits, vocab, draws)).isTrue();
            drawn = List.copyOf(order);
            if (!ahead || position == steps - 1) {
                backend.readDrawn(read);
                for (int i = 0; i < 4; i++) {
                    tokens[drawn.get(i)][position + 1] = read[i];
                }
            }
        }
        return tokens;
    }

    /** Watched passes tell where their time went, whether they run verb by verb, are recorded or replayed; others tell nothing new. */
    @Test
    void watchedPassesTellTheirPhases() {
        try (CudaBackend backend = new CudaBackend(CudaTesting.exact(WeightPolicy.AS_STORED))) {
            Decode decode = Decode.of(backend);
            decode.pass(2, 0);
            assertThat(backend.deviceTimes()).isEmpty();
            for (int position = 1; position < 6; position++) {
                // The first watched pass is recorded, since its kind has run before; from then on it is replayed.
                backend.watch(position != 3);
                long replays = CudaTesting.replays(backend);
                List<StepDetail.DeviceTime> last = backend.deviceTimes();
                decode.pass(2, position);
                List<StepDetail.DeviceTime> times = backend.deviceTimes();
                assertThat(CudaTesting.replays(backend)).isEqualTo(replays + 1);
                if (position == 3) {
                    assertThat(times).isEqualTo(last);
                    continue;
                }
                assertThat(times)
                        .extracting(StepDetail.DeviceTime::phase)
                        .containsExactly("embed", "matmul", "attention", "gatherRows");
                assertThat(times).allSatisfy(time -> assertThat(time.nanos()).isPositive());
                assertThat(times).isNotEqualTo(last);
            }
            backend.watch(true);
            decode.pass(5, 6);
            assertThat(backend.deviceTimes())
                    .extracting(StepDetail.DeviceTime::phase)
                    .contains("matmul", "attention");
        }
    }
}
