package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import java.nio.file.Path;

/** The bundled model as tests open it, and what they ask of it. */
final class BundledModel {
    static final Path MODELS = Path.of("../models");
    static final SamplingParams GREEDY = SamplingParams.DEFAULT.withTemperature(0);

    private BundledModel() {}

    static EngineConfig.Builder config() {
        return EngineConfig.of("spandrel-tiny")
                .models(MODELS)
                .threads(Math.min(2, Runtime.getRuntime().availableProcessors()))
                .kvCacheBytes(64 << 20);
    }

    static GenerationRequest request(String prompt, SamplingParams sampling) {
        return new GenerationRequest("test", new Prompt.Text(prompt), sampling, System.nanoTime());
    }

    record Answer(String text, int tokens, GenerationEvent.Finished end, RequestTimings timings) {}

    static Answer answer(Engine engine, GenerationRequest request) throws InterruptedException {
        try (Generation generation = engine.submit(request)) {
            StringBuilder text = new StringBuilder();
            int tokens = 0;
            while (true) {
                switch (generation.next()) {
                    case GenerationEvent.TextDelta delta -> {
                        text.append(delta.text());
                        tokens += delta.tokens();
                    }
                    case GenerationEvent.Finished end -> {
                        text.append(end.text());
                        tokens += end.tokens();
                        assertThat(generation.completionTokens()).isEqualTo(tokens);
                        assertThat(generation.tokenNanos()).hasSize(tokens).isSorted();
                        return new Answer(text.toString(), tokens, end, generation.timings());
                    }
                }
            }
        }
    }

    static void awaitIdle(Engine engine) {
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (engine.stats().usedBlocks()
                        + engine.stats().running()
                        + engine.stats().waiting()
                > 0) {
            assertThat(System.nanoTime()).as("blocks free in time").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }
}
