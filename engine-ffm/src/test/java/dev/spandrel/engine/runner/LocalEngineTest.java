package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.NgramSpeculation;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StepRecord;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The whole engine over the bundled model. */
@Timeout(60)
class LocalEngineTest {
    private static final Path MODELS = Path.of("../models");
    private static final SamplingParams GREEDY = SamplingParams.DEFAULT.withTemperature(0);

    private static EngineConfig.Builder config() {
        return EngineConfig.of("spandrel-tiny")
                .models(MODELS)
                .threads(Math.min(2, Runtime.getRuntime().availableProcessors()))
                .kvCacheBytes(64 << 20);
    }

    private static GenerationRequest request(String prompt, SamplingParams sampling) {
        return new GenerationRequest("test", new Prompt.Text(prompt), sampling, System.nanoTime());
    }

    private record Answer(String text, int tokens, GenerationEvent.Finished end, RequestTimings timings) {}

    private static Answer answer(Engine engine, GenerationRequest request) throws InterruptedException {
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
    void thirtyTwoAtOnceSayWhatEachSaysAlone() throws Exception {
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            String prompt = i % 2 == 0 ? "Once upon a time" : "User: Tell me a story about a fox.\nAssistant:";
            SamplingParams hot = SamplingParams.DEFAULT.withSeed(i).withMaxTokens(5 + i);
            requests.add(request(prompt, hot));
        }
        List<String> alone = new ArrayList<>();
        try (Engine engine = Engine.open(config().build())) {
            for (GenerationRequest request : requests) {
                alone.add(answer(engine, request).text());
            }
        }
        for (boolean prefixCaching : new boolean[] {true, false}) {
            String cache = prefixCaching ? " with prefix cache" : " without prefix cache";
            EngineConfig large = config().prefixCaching(prefixCaching).build();
            try (Engine engine = Engine.open(large)) {
                assertThat(together(engine, requests)).as("in a batch" + cache).isEqualTo(alone);
            }
            // A budget of 7 tokens cuts every prompt; 8 blocks make the batch preempt.
            EngineConfig small = config().prefixCaching(prefixCaching)
                    .maxNumBatchedTokens(7)
                    .maxNumSeqs(7)
                    .maxModelLen(64)
                    .kvCacheBytes(6L * 2 * 192 * 4 * 16 * 8)
                    .build();
            try (Engine engine = Engine.open(small)) {
                assertThat(together(engine, requests))
                        .as("chunked and preempted" + cache)
                        .isEqualTo(alone);
                assertThat(engine.stats().preemptions()).isPositive();
                awaitIdle(engine);
            }
            EngineConfig speculating = config().prefixCaching(prefixCaching)
                    .maxNumBatchedTokens(20)
                    .maxNumSeqs(7)
                    .maxModelLen(64)
                    .kvCacheBytes(6L * 2 * 192 * 4 * 16 * 8)
                    .speculation(new NgramSpeculation(3, 1, 3))
                    .build();
            try (Engine engine = Engine.open(speculating)) {
                assertThat(together(engine, requests))
                        .as("speculated, chunked and preempted" + cache)
                        .isEqualTo(alone);
                assertThat(engine.stats().acceptedDraftTokens()).isPositive();
                awaitIdle(engine);
            }
        }
    }

    /** A server closes from another thread than the one that reads. */
    @Test
    void closingWhileAnotherThreadReadsLosesNothing() throws Exception {
        try (Engine engine = Engine.open(config().build());
                ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int round = 0; round < 300; round++) {
                Generation generation = engine.submit(
                        request("Once upon a time", GREEDY.withIgnoreEos(true).withMaxTokens(40)));
                Future<Integer> reader = readers.submit(() -> {
                    int tokens = 0;
                    try {
                        while (true) {
                            switch (generation.next()) {
                                case GenerationEvent.TextDelta delta -> tokens += delta.tokens();
                                case GenerationEvent.Finished end -> {
                                    return tokens + end.tokens();
                                }
                            }
                        }
                    } catch (IllegalStateException e) {
                        return -1;
                    }
                });
                for (int spin = 0; spin < round * 20; spin++) {
                    Thread.onSpinWait();
                }
                generation.close();
                assertThat(reader.get()).as("cancelled, or all tokens").isIn(-1, 40);
            }
            awaitIdle(engine);
        }
    }

    @Test
    void speculationChangesNothingButTheNumberOfSteps() throws Exception {
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            SamplingParams sampling = i % 2 == 0 ? GREEDY : SamplingParams.DEFAULT.withSeed(i);
            requests.add(
                    request("Once upon a time", sampling.withIgnoreEos(true).withMaxTokens(200)));
        }
        List<String> plain;
        try (Engine engine = Engine.open(config().build())) {
            plain = together(engine, requests);
            assertThat(engine.stats().draftTokens()).isZero();
        }
        EngineConfig speculative =
                config().speculation(new NgramSpeculation(4, 1, 4)).build();
        try (Engine engine = Engine.open(speculative)) {
            assertThat(together(engine, requests)).isEqualTo(plain);
            assertThat(engine.stats().acceptedDraftTokens()).isPositive();
            awaitIdle(engine);
            long before = engine.stats().steps();
            Answer alone = answer(engine, requests.getFirst());
            awaitIdle(engine);
            assertThat(engine.stats().steps() - before).isLessThan(alone.tokens());
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
    void anEqualBeginningIsComputedOnce() throws Exception {
        String beginning =
                "User: Tell me a story about a fox.\nAssistant: " + "Once upon a time there was a fox. ".repeat(8);
        try (Engine with = Engine.open(config().build());
                Engine without = Engine.open(config().prefixCaching(false).build())) {
            for (String end : List.of("The fox", "One day", "The fox")) {
                GenerationRequest request = request(beginning + end, GREEDY.withMaxTokens(30));
                assertThat(answer(with, request).text())
                        .isEqualTo(answer(without, request).text());
            }
            assertThat(with.stats().prefixCacheHits()).isGreaterThan(100);
            assertThat(without.stats().prefixCacheHits()).isZero();
            try (Generation generation = with.submit(request(beginning + "One day", GREEDY.withMaxTokens(1)))) {
                while (!(generation.next() instanceof GenerationEvent.Finished)) {}
                assertThat(generation.cachedTokens()).isBetween(64, generation.promptTokens() - 1);
            }
        }
    }

    private static List<String> together(Engine engine, List<GenerationRequest> requests) throws Exception {
        try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Answer>> futures = requests.stream()
                    .map(each -> readers.submit(() -> answer(engine, each)))
                    .toList();
            List<String> texts = new ArrayList<>();
            for (Future<Answer> future : futures) {
                texts.add(future.get().text());
            }
            return texts;
        }
    }

    @Test
    void closingAGenerationFreesItsBlocks() throws Exception {
        try (Engine engine = Engine.open(config().build())) {
            Generation generation = engine.submit(
                    request("Once upon a time", GREEDY.withIgnoreEos(true).withMaxTokens(500)));
            generation.next();
            generation.close();
            generation.close();
            awaitIdle(engine);
            assertThat(generation.timings().finishedNanos()).isNotEqualTo(RequestTimings.NOT_REACHED);
            assertThatThrownBy(generation::next).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void aFullQueueIsAnswered() throws Exception {
        try (Engine engine = Engine.open(config().maxNumSeqs(1).maxWaiting(2).build())) {
            List<Generation> held = new ArrayList<>();
            SamplingParams endless = GREEDY.withIgnoreEos(true).withMaxTokens(500);
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 10; i++) {
                            held.add(engine.submit(request("Hello", endless)));
                        }
                    })
                    .isInstanceOf(EngineException.Rejected.class)
                    .hasMessageContaining("2 requests");
            held.forEach(Generation::close);
            // The loop makes room as soon as it hears of the cancellations.
            Answer answer = null;
            for (long deadline = System.nanoTime() + 10_000_000_000L; answer == null; ) {
                assertThat(System.nanoTime()).as("room in time").isLessThan(deadline);
                try {
                    answer = answer(engine, request("Hello", GREEDY.withMaxTokens(2)));
                } catch (EngineException.Rejected e) {
                    Thread.onSpinWait();
                }
            }
            assertThat(answer.tokens()).isEqualTo(2);
        }
    }

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
    void whoWaitsForTheStepWaitsForNoRoom() throws Exception {
        CountDownLatch reached = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        EngineConfig config = config().maxNumSeqs(1)
                .stepListener(_ -> {
                    reached.countDown();
                    awaitLatch(go);
                })
                .build();
        try (Engine engine = Engine.open(config)) {
            Generation first = engine.submit(request("Once upon a time", GREEDY.withMaxTokens(200)));
            awaitLatch(reached);
            Generation second = engine.submit(request("The fox", GREEDY.withMaxTokens(1)));
            assertThat(engine.stats().waiting()).isEqualTo(1);
            assertThat(engine.stats().deferred()).isEqualTo(1);
            go.countDown();
            while (engine.stats().deferred() > 0) {
                first.next();
            }
            assertThat(engine.stats().waiting()).isEqualTo(1);
            first.close();
            while (!(second.next() instanceof GenerationEvent.Finished)) {}
            second.close();
            awaitIdle(engine);
            assertThat(engine.stats().waiting() + engine.stats().deferred()).isZero();
        }
    }

    @Test
    void whoLeavesDuringAStepTakesNobodysPlace() throws Exception {
        CountDownLatch reached = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        EngineConfig config = config().maxWaiting(2)
                .stepListener(_ -> {
                    reached.countDown();
                    awaitLatch(go);
                })
                .build();
        try (Engine engine = Engine.open(config)) {
            Generation running = engine.submit(request("Once upon a time", GREEDY.withMaxTokens(200)));
            awaitLatch(reached);
            for (int i = 0; i < 10; i++) {
                Generation one = engine.submit(request("The fox", GREEDY.withMaxTokens(1)));
                Generation two = engine.submit(request("The fox", GREEDY.withMaxTokens(1)));
                assertThatThrownBy(() -> engine.submit(request("The fox", GREEDY.withMaxTokens(1))))
                        .isInstanceOf(EngineException.Rejected.class);
                one.close();
                two.close();
                assertThat(engine.stats().waiting()).isZero();
            }
            go.countDown();
            running.close();
            awaitIdle(engine);
            assertThat(engine.stats().waiting()).isZero();
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

    private static void awaitLatch(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
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

    private static void awaitIdle(Engine engine) {
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
