package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.LogprobRules;
import dev.spandrel.engine.NgramSpeculation;
import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.PromptRules;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StopRules;
import dev.spandrel.engine.TokenLogprobs;
import dev.spandrel.engine.TokenRules;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a request may ask of sampling, over the bundled model, whatever else the engine does meanwhile. */
@Timeout(120)
class RequestFieldsTest {
    private static final String PROMPT = "Once upon a time";
    private static final SamplingParams GREEDY =
            SamplingParams.DEFAULT.withTemperature(0).withMaxTokens(24);
    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = Engine.open(config().build());
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private static EngineConfig.Builder config() {
        return EngineConfig.of("spandrel-tiny")
                .models(Path.of("../models"))
                .threads(Math.min(2, Runtime.getRuntime().availableProcessors()))
                .kvCacheBytes(32 << 20);
    }

    private record Answer(
            String text,
            List<Integer> tokens,
            List<TokenLogprobs> logprobs,
            List<TokenLogprobs> promptLogprobs,
            int[] prompt,
            int cached,
            GenerationEvent.Finished end) {}

    private static Answer answer(Engine engine, SamplingParams sampling) throws InterruptedException {
        return answer(engine, new GenerationRequest("test", new Prompt.Text(PROMPT), sampling, System.nanoTime()));
    }

    private static Answer answer(Engine engine, GenerationRequest request) throws InterruptedException {
        try (Generation generation = engine.submit(request)) {
            StringBuilder text = new StringBuilder();
            int tokens = 0;
            GenerationEvent.Finished end = null;
            while (end == null) {
                switch (generation.next()) {
                    case GenerationEvent.TextDelta delta -> {
                        text.append(delta.text());
                        tokens += delta.tokens();
                    }
                    case GenerationEvent.Finished finished -> {
                        text.append(finished.text());
                        tokens += finished.tokens();
                        end = finished;
                    }
                }
            }
            List<TokenLogprobs> logprobs = new ArrayList<>();
            for (int i = 0; i < tokens; i++) {
                generation.logprobs(i).ifPresent(logprobs::add);
            }
            return new Answer(
                    text.toString(),
                    IntStream.range(0, tokens).mapToObj(generation::tokenId).toList(),
                    logprobs,
                    generation.promptLogprobs(),
                    generation.promptTokenIds(),
                    generation.cachedTokens(),
                    end);
        }
    }

    private static SamplingParams logprobs(int sampled, int prompt) {
        return GREEDY.toBuilder()
                .logprobs(new LogprobRules(OptionalInt.of(sampled), OptionalInt.of(prompt), List.of()))
                .build();
    }

    @Test
    void greedyChoosesTheTopLogprob() throws Exception {
        Answer answer = answer(engine, logprobs(3, 0));
        assertThat(answer.logprobs()).hasSize(answer.tokens().size());
        for (int i = 0; i < answer.tokens().size(); i++) {
            TokenLogprobs at = answer.logprobs().get(i);
            assertThat(at.chosen().token()).isEqualTo(answer.tokens().get(i));
            assertThat(at.top()).hasSize(3);
            assertThat(at.top().getFirst()).isEqualTo(at.chosen());
            assertThat(at.chosen().logprob()).isLessThanOrEqualTo(0);
        }
    }

    @Test
    void logprobsOfAPromptAreThoseOfTheSameTokensAsOutput() throws Exception {
        Answer first = answer(engine, logprobs(1, 0));
        List<Integer> all = new ArrayList<>(IntStream.of(first.prompt()).boxed().toList());
        all.addAll(first.tokens());
        // Twice: the second time the beginning is cached, which must not be used.
        for (int i = 0; i < 2; i++) {
            Answer scored = answer(
                    engine, new GenerationRequest("scored", new Prompt.Tokens(all), logprobs(0, 1), System.nanoTime()));
            assertThat(scored.cached()).isZero();
            assertThat(scored.promptLogprobs()).hasSize(all.size() - 1);
            for (int j = 0; j < first.tokens().size(); j++) {
                TokenLogprobs asPrompt = scored.promptLogprobs().get(first.prompt().length - 1 + j);
                assertThat(asPrompt.chosen().token()).isEqualTo(first.tokens().get(j));
                assertThat(asPrompt.chosen().logprob())
                        .isCloseTo(first.logprobs().get(j).chosen().logprob(), within(1e-6));
            }
        }
    }

    /** Few rows for logits, chunks, preemption and drafts at once. */
    @Test
    void nothingElseInTheEngineChangesWhatARequestIsTold() throws Exception {
        List<SamplingParams> wishes = new ArrayList<>();
        for (int seed = 0; seed < 12; seed++) {
            SamplingParams.Builder wish = SamplingParams.DEFAULT.withSeed(seed).withMaxTokens(40).toBuilder();
            if (seed % 2 == 0) {
                wish.logprobs(new LogprobRules(OptionalInt.of(2), OptionalInt.of(1), List.of()));
            }
            if (seed % 3 == 0) {
                wish.penalties(new Penalties(0.4, 0.3, 1.2));
            }
            if (seed % 4 == 1) {
                wish.tokenRules(new TokenRules(Map.of(40, 3.0), List.of(), List.of("squirrel", "little girl")));
            }
            wishes.add(wish.build());
        }
        List<Answer> alone = new ArrayList<>();
        for (SamplingParams wish : wishes) {
            alone.add(answer(engine, wish));
        }
        EngineConfig crowded = config().maxNumSeqs(5)
                .maxNumBatchedTokens(24)
                .maxModelLen(96)
                .kvCacheBytes(1 << 20)
                .speculation(new NgramSpeculation(3, 1, 3))
                .build();
        try (Engine busy = Engine.open(crowded);
                ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Answer>> together = readers.invokeAll(wishes.stream()
                    .<Callable<Answer>>map(wish -> () -> answer(busy, wish))
                    .toList());
            for (int i = 0; i < wishes.size(); i++) {
                Answer answer = together.get(i).get();
                assertThat(answer.text())
                        .as("request %s", i)
                        .isEqualTo(alone.get(i).text());
                assertThat(answer.logprobs()).isEqualTo(alone.get(i).logprobs());
                assertThat(answer.promptLogprobs()).isEqualTo(alone.get(i).promptLogprobs());
            }
        }
    }

    @Test
    void minTokensHoldsBackTheEnd() throws Exception {
        SamplingParams asked = SamplingParams.DEFAULT.withTemperature(0).withMaxTokens(120).toBuilder()
                .stopRules(new StopRules(List.of(), List.of(), false, 100, false))
                .build();
        GenerationRequest request = new GenerationRequest(
                "test", new Prompt.Text("User: What is a span?\nAssistant:"), asked, System.nanoTime());
        assertThat(answer(engine, request).tokens()).hasSizeGreaterThanOrEqualTo(100);
    }

    @Test
    void stopTokensEndAndAreTold() throws Exception {
        Answer free = answer(engine, GREEDY);
        int stop = free.tokens().get(5);
        for (boolean included : new boolean[] {false, true}) {
            Answer answer = answer(
                    engine,
                    GREEDY.toBuilder()
                            .stopRules(new StopRules(List.of(), List.of(stop), false, 0, included))
                            .build());
            int at = free.tokens().indexOf(stop);
            assertThat(answer.tokens()).isEqualTo(free.tokens().subList(0, at + 1));
            assertThat(answer.end().reason()).isEqualTo(FinishReason.STOP);
            assertThat(answer.end().stopToken()).hasValue(stop);
            String last = engine.token(stop).text();
            assertThat(answer.text().endsWith(last)).isEqualTo(included);
        }
    }

    @Test
    void stopStringsMayBelongToTheText() throws Exception {
        Answer answer = answer(
                engine,
                GREEDY.toBuilder()
                        .stopRules(new StopRules(List.of("clever"), List.of(), false, 0, true))
                        .build());
        assertThat(answer.text()).endsWith("clever");
        assertThat(answer.end().stopReason()).contains("clever");
        Answer later = answer(
                engine,
                GREEDY.toBuilder()
                        .stopRules(new StopRules(List.of("clever"), List.of(), false, 20, false))
                        .build());
        assertThat(later.text()).contains("clever");
    }

    @Test
    void allowedTokensAreTheOnlyOnesAndNoneLeftIsAnError() throws Exception {
        TokenRules only = new TokenRules(Map.of(), List.of(40, 41), List.of());
        Answer answer = answer(engine, GREEDY.toBuilder().tokenRules(only).build());
        assertThat(answer.tokens()).isSubsetOf(40, 41).hasSize(24);
        TokenRules none =
                new TokenRules(Map.of(), List.of(40), List.of(engine.token(40).text()));
        Answer failed = answer(engine, GREEDY.toBuilder().tokenRules(none).build());
        assertThat(failed.end().reason()).isEqualTo(FinishReason.ERROR);
        assertThat(failed.end().failure()).isInstanceOf(EngineException.InvalidRequest.class);
    }

    @Test
    void badWordsDoNotCome() throws Exception {
        assertThat(answer(engine, GREEDY).text()).contains("clever");
        TokenRules rules = new TokenRules(Map.of(), List.of(), List.of("clever"));
        assertThat(answer(engine, GREEDY.toBuilder().tokenRules(rules).build()).text())
                .doesNotContain("clever");
    }

    @Test
    void idsOutsideTheVocabularyAreRefused() {
        TokenRules rules = new TokenRules(Map.of(1_000_000, 1.0), List.of(), List.of());
        assertThatThrownBy(() ->
                        answer(engine, GREEDY.toBuilder().tokenRules(rules).build()))
                .isInstanceOf(EngineException.InvalidRequest.class)
                .hasMessageContaining("logit_bias")
                .hasMessageContaining("out of vocabulary");
    }

    @Test
    void promptsAreTruncatedAtTheSideAskedFor() throws Exception {
        int[] whole = engine.tokenize(new Prompt.Text(PROMPT));
        for (boolean end : new boolean[] {true, false}) {
            GenerationRequest request = new GenerationRequest(
                    "test",
                    new Prompt.Text(PROMPT),
                    GREEDY,
                    System.nanoTime(),
                    0,
                    "",
                    new PromptRules(OptionalInt.of(3), end),
                    null);
            int from = end ? whole.length - 3 : 0;
            assertThat(answer(engine, request).prompt()).isEqualTo(java.util.Arrays.copyOfRange(whole, from, from + 3));
        }
    }

    @Test
    void textAndTokensTurnIntoEachOther() {
        String text = "A café, a 🐿 and a naïve span.";
        List<Integer> ids = IntStream.of(engine.tokenize(new Prompt.Text(text, false)))
                .boxed()
                .toList();
        assertThat(engine.detokenize(ids, false)).isEqualTo(text);
        List<Integer> withBos =
                IntStream.of(engine.tokenize(new Prompt.Text(text))).boxed().toList();
        assertThat(withBos).hasSize(ids.size() + 1);
        assertThat(engine.detokenize(withBos, false)).isEqualTo("</s>" + text);
        assertThat(engine.detokenize(withBos, true)).isEqualTo(text);
    }
}
