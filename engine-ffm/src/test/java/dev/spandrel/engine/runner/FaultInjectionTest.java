package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.FaultPoint;
import dev.spandrel.engine.scheduler.NgramProposer;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Scheduler;
import dev.spandrel.engine.scheduler.SchedulerConfig;
import dev.spandrel.engine.scheduler.SchedulingPolicy;
import dev.spandrel.engine.scheduler.Sequence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A fault at each allocation and step point, one by one: the requests concerned end with its cause, the others go on, no
 * block is lost, nobody waits for ever.
 */
@Timeout(60)
class FaultInjectionTest {
    private static final int REQUESTS = 6;

    private final Logger log = Logger.getLogger(EngineLoop.class.getName());

    @BeforeEach
    void quiet() {
        log.setLevel(Level.OFF);
    }

    @AfterEach
    void loud() {
        log.setLevel(null);
    }

    /** Throws at one occurrence of one point, or counts them all. */
    private static final class Fault implements FaultPoint {
        private final String name;
        private final int occurrence;
        private final int times;
        final Map<String, Integer> seen = new HashMap<>();

        Fault(String name, int occurrence, int times) {
            this.name = name;
            this.occurrence = occurrence;
            this.times = times;
        }

        @Override
        public void pass(String point) {
            int count = seen.merge(point, 1, Integer::sum);
            if (point.equals(name) && count >= occurrence && count < occurrence + times) {
                throw new IllegalStateException("injected at " + point + " " + count);
            }
        }
    }

    /** Samples 7, 8, 9, 7, 8, 9, … so that prompt lookup finds drafts. */
    private static class Counting implements StepRunner {
        @Override
        public void forward(ScheduledBatch batch) {
            for (int i = 0; i < batch.sequences().size(); i++) {
                Sequence sequence = batch.sequences().get(i);
                assertThat(sequence.blockCount() * 4).isGreaterThanOrEqualTo(sequence.computed() + batch.tokenCount(i));
            }
        }

        @Override
        public void score(LiveRequest request, int logitRow, int index) {}

        @Override
        public void pool(LiveRequest request, int firstRow, int rows, int index) {}

        @Override
        public int sample(LiveRequest request, int logitRow, int position) {
            return 7 + position % 3;
        }
    }

    /** The same on a device: steps overlap. */
    private static final class Ahead extends Counting {
        private int[] drawn = {};

        @Override
        public boolean runsAhead() {
            return true;
        }

        @Override
        public boolean draw(ScheduledBatch batch) {
            drawn = IntStream.range(0, batch.sequences().size())
                    .filter(i -> batch.logitRows(i) > 0)
                    .mapToObj(i -> (LiveRequest) batch.sequences().get(i))
                    .filter(LiveRequest::isInStep)
                    .mapToInt(request -> sample(request, 0, request.generated()))
                    .toArray();
            return drawn.length > 0;
        }

        @Override
        public int drawn(int index) {
            return drawn[index];
        }
    }

    /** Six requests over so few blocks that some are preempted. */
    private static final class World implements AutoCloseable {
        final BlockManager blocks = new BlockManager(9, 4, true);
        final EngineLoop loop;
        final List<LiveRequest> requests = new ArrayList<>();

        World(FaultPoint fault, boolean ahead) {
            AtomicLong clock = new AtomicLong();
            WaitingLine line = new WaitingLine(100, 0);
            SchedulerConfig config = new SchedulerConfig(4, 16, 8, SchedulingPolicy.FCFS);
            EngineStep step = new EngineStep(
                    new Scheduler(config, blocks, fault),
                    blocks,
                    ahead ? new Ahead() : new Counting(),
                    ahead ? null : new NgramProposer(3, 2, 3),
                    token -> false,
                    line,
                    () -> clock.addAndGet(1_000),
                    fault);
            loop = new EngineLoop(step, line, () -> clock.addAndGet(1_000), record -> {});
            for (int i = 0; i < REQUESTS; i++) {
                SamplingParams sampling = SamplingParams.DEFAULT.withMaxTokens(12);
                requests.add(new LiveRequest(
                        i, "r" + i, new int[] {1, 2, 3, 4, i}, sampling, 0, 0, 0, Sequence.Standing.PLAIN));
                loop.submit(requests.getLast());
            }
        }

        World run() throws InterruptedException {
            loop.start();
            for (LiveRequest request : requests) {
                int seen = 0;
                while (request.ending() == null) {
                    request.await(seen);
                    seen = request.published();
                }
            }
            return this;
        }

        int count(FinishReason reason) {
            return (int) requests.stream()
                    .filter(request -> request.ending().reason() == reason)
                    .count();
        }

        @Override
        public void close() {
            loop.close();
            assertThat(blocks.usedBlocks()).as("blocks in use after all ended").isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void withoutAFaultAllFinishAndEveryPointIsPassed(boolean ahead) throws Exception {
        Fault none = new Fault("", 0, 0);
        try (World world = new World(none, ahead).run()) {
            assertThat(world.count(FinishReason.LENGTH)).isEqualTo(REQUESTS);
            assertThat(world.loop.stats().preemptions()).isPositive();
            assertThat(world.loop.stats().acceptedDraftTokens() > 0).isNotEqualTo(ahead);
            assertThat(none.seen.keySet())
                    .containsExactlyInAnyOrder(
                            "admit", "admitted", "extend", "preempt", "forward", "sample", "advance", "publish");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFaultAnywhereFailsThoseConcernedAndNobodyElse(boolean ahead) throws Exception {
        Fault none = new Fault("", 0, 0);
        new World(none, ahead).run().close();
        for (Map.Entry<String, Integer> point : none.seen.entrySet()) {
            for (int occurrence = 1; occurrence <= point.getValue(); occurrence++) {
                try (World world = new World(new Fault(point.getKey(), occurrence, 1), ahead).run()) {
                    String where = point.getKey() + " " + occurrence;
                    assertThat(world.loop.healthy()).as(where).isTrue();
                    assertThat(world.count(FinishReason.ERROR) + world.count(FinishReason.LENGTH))
                            .as(where)
                            .isEqualTo(REQUESTS);
                    assertThat(world.count(FinishReason.ERROR)).as(where).isBetween(1, 5);
                    world.requests.stream()
                            .filter(request -> request.ending().reason() == FinishReason.ERROR)
                            .forEach(request -> assertThat(request.ending().failure())
                                    .hasMessageContaining("injected at " + where));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSecondFaultWithinAMinuteEndsTheEngine(boolean ahead) throws Exception {
        try (World world = new World(new Fault("forward", 2, 2), ahead).run()) {
            assertThat(world.count(FinishReason.ERROR)).isEqualTo(REQUESTS);
            long deadline = System.nanoTime() + Duration.ofSeconds(10).toNanos();
            while (world.loop.healthy() && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(world.loop.healthy()).isFalse();
            assertThatThrownBy(() -> world.loop.submit(world.requests.getFirst()))
                    .isInstanceOf(EngineException.Unavailable.class);
        }
    }

    @Test
    void retryAfterFollowsThePaceOfAdmission() {
        WaitingLine line = new WaitingLine(40, 0);
        for (int i = 1; i <= 40; i++) {
            line.enter(0);
        }
        assertThatThrownBy(() -> line.enter(0)).isInstanceOf(EngineException.Rejected.class);
        long second = 1_000_000_000L;
        long now = 0;
        for (int i = 0; i < 20; i++) {
            now += second / 2;
            line.admitted(now);
        }
        assertThat(line.retryAfter(now)).as("half of 40 at two a second").isEqualTo(Duration.ofSeconds(10));
        assertThat(line.retryAfter(now + 2 * second)).as("it has slowed down").isEqualTo(Duration.ofSeconds(40));
        assertThat(line.retryAfter(now + 1000 * second)).isEqualTo(Duration.ofSeconds(60));
    }
}
