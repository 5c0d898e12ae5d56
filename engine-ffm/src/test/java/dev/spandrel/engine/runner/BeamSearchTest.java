package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.LogprobRules;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.TokenLogprobs;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Beam search finds what the plain rules find, in the memory of its beams, and may be left at any moment. */
@Timeout(120)
class BeamSearchTest {
    private static final SamplingParams GREEDY = SamplingParams.DEFAULT.withTemperature(0);
    private static final List<Integer> PROMPT = List.of(2, 575, 532, 260, 439);

    private static Engine engine;

    /** A hypothesis, and whether it has ended. */
    private record Hypothesis(List<Integer> output, double logprob, boolean over) {
        double score(int promptTokens, double lengthPenalty) {
            return logprob / Math.pow(promptTokens + output.size(), lengthPenalty);
        }
    }

    @BeforeAll
    static void open() {
        engine = Engine.open(EngineConfig.of("spandrel-tiny")
                .models(Path.of("../models"))
                .threads(Math.min(2, Runtime.getRuntime().availableProcessors()))
                .kvCacheBytes(64 << 20)
                .build());
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private static GenerationRequest request(List<Integer> prompt, SamplingParams sampling) {
        return new GenerationRequest("beams", new Prompt.Tokens(prompt), sampling, System.nanoTime());
    }

    private static List<List<Integer>> search(List<Integer> prompt, int width, double lengthPenalty, int maxTokens)
            throws InterruptedException {
        List<List<Integer>> found = new ArrayList<>();
        List<Generation> beams =
                engine.beamSearch(request(prompt, GREEDY.withMaxTokens(maxTokens)), width, lengthPenalty);
        for (Generation beam : beams) {
            try (beam) {
                beam.next();
                found.add(IntStream.range(0, beam.completionTokens())
                        .mapToObj(beam::tokenId)
                        .toList());
            }
        }
        return found;
    }

    /** vLLM's rules, every candidate written out. */
    private static List<List<Integer>> plain(int width, double lengthPenalty, int maxTokens)
            throws InterruptedException {
        List<Hypothesis> live = List.of(new Hypothesis(List.of(), 0, false));
        List<Hypothesis> ended = new ArrayList<>();
        for (int depth = 0; depth < maxTokens && !live.isEmpty(); depth++) {
            List<Hypothesis> candidates = new ArrayList<>();
            for (Hypothesis hypothesis : live) {
                grow(hypothesis, 2 * width, ended, candidates);
            }
            candidates.sort(Comparator.comparingDouble(Hypothesis::logprob).reversed());
            live = candidates.subList(0, Math.min(width, candidates.size()));
        }
        ended.addAll(live);
        ended.sort(Comparator.comparingDouble((Hypothesis hypothesis) -> hypothesis.score(PROMPT.size(), lengthPenalty))
                .reversed());
        return ended.stream().limit(width).map(Hypothesis::output).toList();
    }

    private static void grow(Hypothesis from, int most, List<Hypothesis> ended, List<Hypothesis> candidates)
            throws InterruptedException {
        List<Integer> tokens = new ArrayList<>(PROMPT);
        tokens.addAll(from.output());
        for (TokenLogprobs.Entry entry : best(tokens, most)) {
            double logprob = from.logprob() + entry.logprob();
            if (entry.token() == 2) {
                ended.add(new Hypothesis(from.output(), logprob, true));
            } else {
                List<Integer> longer = new ArrayList<>(from.output());
                longer.add(entry.token());
                candidates.add(new Hypothesis(longer, logprob, false));
            }
        }
    }

    private static List<TokenLogprobs.Entry> best(List<Integer> tokens, int most) throws InterruptedException {
        SamplingParams one = GREEDY.withMaxTokens(1).toBuilder()
                .logprobs(new LogprobRules(OptionalInt.of(most), OptionalInt.empty(), List.of()))
                .build();
        try (Generation generation = engine.submit(request(tokens, one))) {
            while (!(generation.next() instanceof GenerationEvent.Finished)) {}
            return generation.logprobs(0).orElseThrow().top();
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "2, 1", "3, 0.2", "5, 1", "5, 2.5", "8, -1"})
    void itFindsWhatThePlainRulesFind(int width, double lengthPenalty) throws Exception {
        assertThat(search(PROMPT, width, lengthPenalty, 12)).isEqualTo(plain(width, lengthPenalty, 12));
    }

    @Test
    void theBestContinuationsAreTheBeginningOfTheSortedList() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int width : new int[] {1, 2, 7, 50}) {
            BestContinuations best = new BestContinuations(width);
            List<Beam> all = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                Beam beam = new Beam(new int[] {i}, -random.nextInt(3), null);
                // Few values, so that many are equal.
                double more = -random.nextInt(4);
                best.offer(beam, i, more);
                all.add(beam.with(i, more));
            }
            all.sort(Comparator.comparingDouble(Beam::logprob).reversed());
            assertThat(best.take())
                    .as("seed %d, width %d", seed, width)
                    .usingRecursiveComparison()
                    .isEqualTo(all.subList(0, width));
        }
    }

    @Test
    void aMillionContinuationsBehindALongPromptTakeTheMemoryOfThoseThatLiveOn() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Beam beam = new Beam(new int[2000], 0, null);
        long before = threads.getCurrentThreadAllocatedBytes();
        BestContinuations best = new BestContinuations(1000);
        for (int i = 0; i < 1_000_000; i++) {
            // Each better than all before, the worst case.
            best.offer(beam, i, i * 1e-9);
        }
        assertThat(best.take()).hasSize(1000);
        // With a copy of the tokens for each it would be 8 GB.
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(100L << 20);
    }

    @Test
    void itMayBeLeftAtAnyMoment() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int i = 0; i < 40; i++) {
            List<Generation> beams = engine.beamSearch(request(PROMPT, GREEDY.withMaxTokens(100)), 64, 1);
            long until = System.nanoTime() + random.nextLong(30_000_000);
            CompletableFuture<Void> leaving = CompletableFuture.runAsync(() -> {
                while (System.nanoTime() < until) {
                    Thread.onSpinWait();
                }
                beams.forEach(Generation::close);
            });
            assertThat(leaving).as("seed %d, round %d", seed, i).succeedsWithin(java.time.Duration.ofSeconds(20));
        }
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (engine.stats().running() + engine.stats().waiting() > 0 && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(engine.stats().running() + engine.stats().waiting()).isZero();
        assertThat(engine.stats().kvCacheUsage()).isZero();
    }
}
