package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.LogprobRules;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole engine over the bundled model with AMX in its prompt; bench/amx/run.sh runs it on an emulated processor. */
class AmxGenerationTest {
    private static final String PROMPT =
            "Once upon a time there was a small town by the sea, and in it lived a clockmaker who never slept.";
    private static final int TOKENS = 8;

    private record Answer(int prompt, int[] tokens, double firstLogprob, long products) {}

    @ParameterizedTest
    @CsvSource({"bfloat16, none, 0.05", "auto, int8, 1e-6"})
    void aPromptGoesThroughTilesAndSaysTheSame(String dtype, String quantization, double rounding) throws Exception {
        try (CpuBackend backend = new CpuBackend(BackendOptions.threads(1))) {
            assumeTrue(backend.amx(), "no AMX here; bench/amx/run.sh runs this on an emulated processor");
        }
        KernelWatch.STARTED.set(true);
        Answer with = answer(dtype, quantization, true);
        assertThat(with.prompt).isGreaterThanOrEqualTo(BackendOptions.AMX_ROWS);
        assertThat(with.products).as("products by tiles").isPositive();
        Answer without = answer(dtype, quantization, false);
        assertThat(without.products).as("products by tiles with --no-amx").isZero();
        assertThat(with.tokens).hasSize(TOKENS);
        // Rounding may turn a near tie and with it all that follows; the first token is not one.
        assertThat(with.tokens[0]).isEqualTo(without.tokens[0]);
        assertThat(with.firstLogprob).isCloseTo(without.firstLogprob, within(rounding));
        if (quantization.equals("int8")) {
            assertThat(with.tokens).isEqualTo(without.tokens);
        }
    }

    private static Answer answer(String dtype, String quantization, boolean amx) throws Exception {
        EngineConfig config = EngineConfig.of("spandrel-tiny")
                .models(Path.of("../models"))
                .dtype(dtype)
                .quantization(quantization)
                .amx(amx)
                .backend("cpu")
                .threads(1)
                .maxModelLen(128)
                .maxNumSeqs(2)
                .kvCacheBytes(4 << 20)
                .build();
        try (Engine engine = Engine.open(config)) {
            assertThat(engine.model().backend().contains("AMX from")).isEqualTo(amx);
            CpuBackend backend = (CpuBackend) ((LocalEngine) engine).backend();
            // The start warms up with tiles too.
            long before = backend.amxProducts();
            SamplingParams sampling = SamplingParams.DEFAULT.toBuilder()
                    .temperature(0)
                    .maxTokens(OptionalInt.of(TOKENS))
                    .logprobs(new LogprobRules(OptionalInt.of(1), OptionalInt.empty(), List.of()))
                    .build();
            GenerationRequest request =
                    new GenerationRequest("test", new Prompt.Text(PROMPT), sampling, System.nanoTime());
            try (Generation generation = engine.submit(request)) {
                int tokens = 0;
                GenerationEvent event;
                do {
                    event = generation.next();
                    tokens += event instanceof GenerationEvent.TextDelta delta
                            ? delta.tokens()
                            : ((GenerationEvent.Finished) event).tokens();
                } while (!(event instanceof GenerationEvent.Finished));
                int[] ids = IntStream.range(0, tokens).map(generation::tokenId).toArray();
                double logprob = generation.logprobs(0).orElseThrow().chosen().logprob();
                return new Answer(generation.promptTokenIds().length, ids, logprob, backend.amxProducts() - before);
            }
        }
    }
}
