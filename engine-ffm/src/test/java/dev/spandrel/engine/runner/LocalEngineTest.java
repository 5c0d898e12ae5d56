package dev.spandrel.engine.runner;

import static dev.spandrel.engine.runner.BundledModel.GREEDY;
import static dev.spandrel.engine.runner.BundledModel.answer;
import static dev.spandrel.engine.runner.BundledModel.awaitIdle;
import static dev.spandrel.engine.runner.BundledModel.config;
import static dev.spandrel.engine.runner.BundledModel.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.runner.BundledModel.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the whole engine says with the bundled model, one request after another. */
@Timeout(60)
class LocalEngineTest {
    private static List<String> beams(Engine engine, String prompt, int width, int maxTokens)
            throws InterruptedException {
        List<Generation> beams = engine.beamSearch(request(prompt, GREEDY.withMaxTokens(maxTokens)), width, 1);
        List<String> texts = new ArrayList<>();
        for (Generation beam : beams) {
            try (beam) {
                GenerationEvent.Finished end = (GenerationEvent.Finished) beam.next();
                assertThat(end.tokens()).isBetween(1, maxTokens);
                assertThat(beam.tokenNanos()).hasSize(maxTokens).isSorted();
                texts.add(end.text());
            }
        }
        return texts;
    }

    @Test
    void beamSearchOfWidthOneIsGreedyAndAWiderOneFindsItToo() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            String greedy = answer(engine, request("Once upon a time", GREEDY.withMaxTokens(8)))
                    .text();
            assertThat(beams(engine, "Once upon a time", 1, 8)).containsExactly(greedy);
            List<String> three = beams(engine, "San Francisco is a", 3, 10);
            assertThat(three).hasSize(3).doesNotHaveDuplicates();
            assertThat(beams(engine, "San Francisco is a", 3, 10)).isEqualTo(three);
        }
    }

    @Test
    void aClosedBeamEndsTheSearch() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            List<Generation> beams = engine.beamSearch(request("Once upon a time", GREEDY.withMaxTokens(200)), 4, 1);
            beams.forEach(Generation::close);
            answer(engine, request("Once upon a time", GREEDY.withMaxTokens(4)));
            long deadline = System.nanoTime() + 20_000_000_000L;
            while (engine.stats().running() + engine.stats().waiting() > 0 && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(engine.stats().running() + engine.stats().waiting()).isZero();
        }
    }

    @Test
    void tellsAStoryInReadableEnglish() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            Answer answer = answer(engine, request("Once upon a time", GREEDY.withMaxTokens(64)));
            assertThat(answer.text()).startsWith(" there was a clever squirrel named");
            assertThat(answer.tokens()).isEqualTo(64);
            assertThat(answer.end().reason()).isEqualTo(FinishReason.LENGTH);
            RequestTimings timings = answer.timings();
            assertThat(timings.arrivalNanos()).isLessThanOrEqualTo(timings.queuedNanos());
            assertThat(timings.queuedNanos()).isLessThanOrEqualTo(timings.firstScheduledNanos());
            assertThat(timings.firstScheduledNanos()).isLessThan(timings.firstTokenNanos());
            assertThat(timings.firstTokenNanos()).isLessThan(timings.lastTokenNanos());
            assertThat(timings.finishedNanos()).isEqualTo(timings.lastTokenNanos());
        }
    }

    @Test
    void endsAtTheEndOfSequence() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            Answer answer = answer(engine, request("User: What is a span?\nAssistant:", GREEDY.withMaxTokens(200)));
            assertThat(answer.end().reason()).isEqualTo(FinishReason.STOP);
            assertThat(answer.end().stopReason()).isEmpty();
            assertThat(answer.text()).doesNotContain("</s>").endsWith(".");
            Answer on = answer(
                    engine,
                    request(
                            "User: What is a span?\nAssistant:",
                            GREEDY.withMaxTokens(200).withIgnoreEos(true)));
            assertThat(on.tokens()).isEqualTo(200);
            assertThat(on.text()).startsWith(answer.text());
        }
    }

    @Test
    void theOperatorsChatTemplateIsTheEngines() throws Exception {
        String template = "{{ messages[0].content }}";
        try (Engine engine = Engine.open(config().chatTemplate(template).build())) {
            assertThat(engine.chatTemplate()).contains(template);
            assertThat(engine.model().chatTemplate()).isTrue();
        }
    }

    @Test
    void contentsInPartsReachTheTemplateInTheFormatAskedFor() throws Exception {
        String template = "{% for m in messages %}{% for c in m.content %}{{ c.text }}{% endfor %}{% endfor %}";
        List<Map<String, Object>> parts = List.of(Map.of("text", "one "), Map.of("text", "two"));
        Prompt prompt = new Prompt.Chat(List.of(new ChatMessage("user", "one \ntwo", parts, Map.of())));
        try (Engine engine = Engine.open(config().chatTemplate(template).build())) {
            assertThat(engine.detokenize(
                            IntStream.of(engine.tokenize(prompt)).boxed().toList(), true))
                    .isEqualTo("one two");
        }
        EngineConfig asText = config().chatTemplate("{{ messages[0].content }}")
                .chatTemplateContentFormat("string")
                .build();
        try (Engine engine = Engine.open(asText)) {
            assertThat(engine.detokenize(
                            IntStream.of(engine.tokenize(prompt)).boxed().toList(), true))
                    .isEqualTo("one \ntwo");
        }
    }

    @Test
    void aStopStringEndsTheTextAndFreesTheBlocks() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            Answer whole = answer(engine, request("Once upon a time", GREEDY.withMaxTokens(100)));
            Answer cut = answer(
                    engine,
                    request("Once upon a time", GREEDY.withMaxTokens(100).withStop(List.of("squirrel na"))));
            assertThat(cut.text())
                    .isEqualTo(whole.text().substring(0, whole.text().indexOf("squirrel na")));
            assertThat(cut.end().stopReason()).contains("squirrel na");
            assertThat(cut.end().reason()).isEqualTo(FinishReason.STOP);
            awaitIdle(engine);
        }
    }

    @Test
    void narrowKeysAndValuesStillTellTheStory() throws Exception {
        for (String dtype : List.of("float16", "bfloat16", "int8")) {
            try (Engine engine = Engine.open(config().kvCacheDType(dtype).build())) {
                Answer answer = answer(engine, request("Once upon a time", GREEDY.withMaxTokens(20)));
                assertThat(answer.text()).as(dtype).startsWith(" there was a clever squirrel named");
            }
        }
        assertThatThrownBy(() -> config().kvCacheDType("fp8").build()).hasMessageContaining("found fp8");
    }

    @Test
    void narrowWeightsStillTellTheStory() throws Exception {
        for (String dtype : List.of("float32", "float16", "bfloat16")) {
            try (Engine engine = Engine.open(config().dtype(dtype).build())) {
                Answer answer = answer(engine, request("Once upon a time", GREEDY.withMaxTokens(20)));
                assertThat(answer.text()).as(dtype).startsWith(" there was a clever squirrel named");
            }
        }
        for (String quantization : List.of("int8", "int4")) {
            try (Engine engine = Engine.open(config().quantization(quantization).build())) {
                Answer answer = answer(engine, request("Once upon a time", GREEDY.withMaxTokens(20)));
                assertThat(answer.text()).as(quantization).startsWith(" there was a ");
            }
        }
        for (String quantization : List.of("int8", "int4")) {
            EngineConfig.Builder rounded = config().quantization(quantization).activationDType("int8");
            try (Engine engine = Engine.open(rounded.build())) {
                Answer answer = answer(engine, request("Once upon a time", GREEDY.withMaxTokens(20)));
                assertThat(answer.text())
                        .as(quantization + ", rounded activations")
                        .startsWith(" there was a ");
            }
        }
        assertThatThrownBy(() -> Engine.open(config().activationDType("int8").build()))
                .hasMessageContaining("--activation-dtype int8: expected matrices in one of GGUF")
                .hasMessageContaining("found none");
        assertThatThrownBy(() -> config().activationDType("fp8").build()).hasMessageContaining("found fp8");
        assertThatThrownBy(() -> config().dtype("fp8").build()).hasMessageContaining("found fp8");
        assertThatThrownBy(() -> config().quantization("awq").build()).hasMessageContaining("int8, int4");
    }

    @Test
    void stepRecordsAddUp() throws Exception {
        ConcurrentLinkedQueue<StepRecord> steps = new ConcurrentLinkedQueue<>();
        try (Engine engine = Engine.open(config().stepListener(steps::add).build())) {
            answer(engine, request("Once upon a time", GREEDY.withMaxTokens(10)));
            awaitIdle(engine);
            assertThat(steps).hasSize(10);
            assertThat(steps.stream().mapToInt(StepRecord::promptTokens).sum()).isEqualTo(5);
            assertThat(steps.stream().mapToInt(StepRecord::generatedTokens).sum())
                    .isEqualTo(10);
            assertThat(engine.stats().promptTokens()).isEqualTo(5);
            assertThat(engine.stats().generatedTokens()).isEqualTo(10);
            assertThat(steps).allSatisfy(step -> {
                assertThat(step.scheduledNanos()).isGreaterThanOrEqualTo(step.startNanos());
                assertThat(step.forwardNanos()).isGreaterThanOrEqualTo(step.scheduledNanos());
                assertThat(step.endNanos()).isGreaterThanOrEqualTo(step.forwardNanos());
            });
        }
    }

    @Test
    void aPromptCountsOnceHoweverOftenItIsComputed() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            String prompt = "Once upon a time there was a little fox who wanted to know what a trace is. ".repeat(2);
            int tokens = engine.tokenize(new Prompt.Text(prompt)).length;
            answer(engine, request(prompt, GREEDY.withMaxTokens(2)));
            answer(engine, request(prompt, GREEDY.withMaxTokens(2)));
            awaitIdle(engine);
            assertThat(engine.stats().promptTokens()).isEqualTo(2L * tokens);
            assertThat(engine.stats().cachedPromptTokens()).isEqualTo((tokens - 1) / 16 * 16);
        }
    }
}
