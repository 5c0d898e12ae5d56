package dev.spandrel.engine.runner;

import static dev.spandrel.engine.runner.BundledModel.GREEDY;
import static dev.spandrel.engine.runner.BundledModel.MODELS;
import static dev.spandrel.engine.runner.BundledModel.config;
import static dev.spandrel.engine.runner.BundledModel.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the whole engine refuses, before it starts, while it runs and once it is closed. */
@Timeout(60)
class LocalEngineDoorTest {
    @Test
    void whatIsWrongWithARequestIsSaidAtTheDoor() {
        try (Engine engine = Engine.open(config().build())) {
            assertInvalid(engine, new Prompt.Tokens(List.of(2, 2048)), GREEDY, "prompt", "2048", "2047");
            assertInvalid(engine, new Prompt.Tokens(List.of(-1)), GREEDY, "prompt", "-1");
            assertInvalid(engine, new Prompt.Tokens(List.of()), GREEDY, "prompt", "empty");
            assertInvalid(engine, new Prompt.Text("Hello"), GREEDY.withMaxTokens(513), "max_tokens", "513", "512");
            assertInvalid(engine, new Prompt.Text("a b c d"), GREEDY.withMaxTokens(510), "input_tokens", "512", "510");
            assertInvalid(engine, new Prompt.Text("word ".repeat(600)), GREEDY, "input_tokens", "512");
            assertThat(engine.stats().waiting()).isZero();
        }
    }

    private static void assertInvalid(
            Engine engine, Prompt prompt, SamplingParams sampling, String parameter, String... words) {
        assertThatThrownBy(() -> engine.submit(new GenerationRequest("bad", prompt, sampling, 0)))
                .isInstanceOfSatisfying(EngineException.InvalidRequest.class, e -> {
                    assertThat(e.parameter()).isEqualTo(parameter);
                    assertThat(e.getMessage()).contains(words);
                });
    }

    @Test
    void closingTheEngineAbortsWhatRuns() throws Exception {
        Engine engine = Engine.open(config().build());
        Generation generation = engine.submit(
                request("Once upon a time", GREEDY.withIgnoreEos(true).withMaxTokens(500)));
        generation.next();
        engine.close();
        GenerationEvent event = generation.next();
        while (event instanceof GenerationEvent.TextDelta) {
            event = generation.next();
        }
        assertThat(((GenerationEvent.Finished) event).reason()).isEqualTo(FinishReason.ABORT);
        engine.close();
        assertThat(engine.healthy()).isFalse();
        assertThatThrownBy(() -> engine.submit(request("Hello", GREEDY)))
                .isInstanceOf(EngineException.Unavailable.class);
    }

    @Test
    void anUnknownModelIsToldWithWhereItWasLookedFor() {
        assertThatThrownBy(() -> Engine.open(
                        EngineConfig.of("no-such-model").models(MODELS).build()))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("no-such-model")
                .hasMessageContaining("spandrel-tiny");
    }

    @Test
    void aContextBeyondTheModelOrACacheTooSmallIsRefused() {
        assertThatThrownBy(() -> Engine.open(config().maxModelLen(513).build()))
                .hasMessageContaining("513")
                .hasMessageContaining("512");
        assertThatThrownBy(() -> Engine.open(config().kvCacheBytes(1 << 20).build()))
                .hasMessageContaining("--kv-cache-memory-bytes 1048576")
                .hasMessageContaining("32");
        assertThatThrownBy(() -> Engine.open(config().blockSize(8).build()))
                .isInstanceOf(EngineException.ModelLoad.class)
                .hasMessageContaining("--block-size");
        assertThatThrownBy(() -> Engine.open(config().backend("gpu").build())).hasMessageContaining("found gpu");
    }
}
