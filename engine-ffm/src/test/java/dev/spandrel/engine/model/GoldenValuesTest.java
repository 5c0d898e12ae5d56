package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.sampling.Sampler;
import dev.spandrel.engine.tensor.Buffer;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The bundled model against what PyTorch computed from the same weights ({@code golden.json}), on both backends. */
class GoldenValuesTest {
    private static final double TOLERANCE = 2e-3;
    /** Below this margin between best and second-best token rounding may choose either. */
    private static final double SAFE_MARGIN = 0.005;

    private static final int BLOCK_SIZE = 16;

    @TestFactory
    Stream<DynamicTest> referenceBackend() throws Exception {
        return cases(new ReferenceBackend());
    }

    @TestFactory
    Stream<DynamicTest> cpuBackend() throws Exception {
        return cases(new CpuBackend(BackendOptions.threads(2)));
    }

    private static Stream<DynamicTest> cases(Backend backend) throws Exception {
        JsonNode golden;
        try (InputStream in = GoldenValuesTest.class.getResourceAsStream("/golden.json")) {
            golden = JsonMapper.shared().readTree(in);
        }
        Model model = ModelLoader.load(
                ModelConfig.read(Path.of("../models/spandrel-tiny")), backend, new StepLimits(512, 512, 512));
        KvCache cache = KvCache.allocate(backend, model, 32, BLOCK_SIZE, KvDType.F32);
        return golden.path("cases").valueStream().flatMap(each -> {
            String prompt = each.path("prompt").stringValue();
            return Stream.of(
                    DynamicTest.dynamicTest("logits: " + prompt, () -> logits(backend, model, cache, each)),
                    DynamicTest.dynamicTest("greedy: " + prompt, () -> greedy(backend, model, cache, each)));
        });
    }

    private static void logits(Backend backend, Model model, KvCache cache, JsonNode golden) {
        int[] ids = ints(golden.path("token_ids"));
        float[][] rows = run(backend, model, cache, ids, 0, ids.length);
        float[] last = rows[ids.length - 1];
        int[] topIds = ints(golden.path("top_ids"));
        for (int i = 0; i < topIds.length; i++) {
            double expected = golden.path("top_logits").get(i).doubleValue();
            assertThat((double) last[topIds[i]])
                    .as("logit of token %d", topIds[i])
                    .isCloseTo(expected, within(TOLERANCE));
        }
        double sum = 0;
        for (float logit : last) {
            sum += logit;
        }
        assertThat(sum).isCloseTo(golden.path("logit_sum").doubleValue(), within(TOLERANCE * last.length));
        for (int i = 1; i < ids.length; i++) {
            assertThat(logProbability(rows[i - 1], ids[i]))
                    .as("log-probability of prompt token %d", i)
                    .isCloseTo(golden.path("prompt_logprobs").get(i - 1).doubleValue(), within(TOLERANCE));
        }
    }

    private static void greedy(Backend backend, Model model, KvCache cache, JsonNode golden) {
        int[] prompt = ints(golden.path("token_ids"));
        int[] expected = ints(golden.path("greedy_ids"));
        double margin = golden.path("smallest_margin").doubleValue();
        org.junit.jupiter.api.Assumptions.assumeTrue(
                margin >= SAFE_MARGIN, "margin " + margin + " between two tokens is within rounding");
        int[] ids = Arrays.copyOf(prompt, prompt.length + expected.length);
        float[][] rows = run(backend, model, cache, ids, 0, prompt.length);
        float[] last = rows[prompt.length - 1];
        for (int i = 0; i < expected.length; i++) {
            ids[prompt.length + i] = Sampler.argmax(last, last.length);
            last = run(backend, model, cache, ids, prompt.length + i, prompt.length + i + 1)[0];
        }
        assertThat(Arrays.copyOfRange(ids, prompt.length, ids.length)).isEqualTo(expected);
        if (golden.path("ended").booleanValue()) {
            assertThat(Sampler.argmax(last, last.length)).as("end of sequence").isEqualTo(2);
        }
    }

    private static float[][] run(Backend backend, Model model, KvCache cache, int[] ids, int from, int to) {
        ForwardInput input = new ForwardInput(512, 1, 512, BLOCK_SIZE);
        input.add(ids, from, to, IntStream.range(0, 32).toArray(), to - from);
        Buffer logits = model.forward(input, cache);
        float[][] rows = new float[to - from][model.vocabSize()];
        for (int r = 0; r < rows.length; r++) {
            backend.readLogits(logits, r, model.vocabSize(), rows[r]);
        }
        return rows;
    }

    private static double logProbability(float[] logits, int id) {
        double max = logits[Sampler.argmax(logits, logits.length)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        return logits[id] - max - Math.log(sum);
    }

    private static int[] ints(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::intValue).toArray();
    }
}
