package dev.spandrel.engine.runner;

import static dev.spandrel.engine.runner.BundledModel.GREEDY;
import static dev.spandrel.engine.runner.BundledModel.answer;
import static dev.spandrel.engine.runner.BundledModel.awaitIdle;
import static dev.spandrel.engine.runner.BundledModel.config;
import static dev.spandrel.engine.runner.BundledModel.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.NgramSpeculation;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.runner.BundledModel.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Many requests at once to the whole engine over the bundled model: who gets a place, and who leaves one. */
@Timeout(60)
class LocalEngineQueueTest {
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

    private static void awaitLatch(CountDownLatch latch) {
        try {
            assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
