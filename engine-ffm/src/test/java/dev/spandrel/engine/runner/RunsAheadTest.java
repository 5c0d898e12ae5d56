package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.FaultPoint;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Scheduler;
import dev.spandrel.engine.scheduler.SchedulerConfig;
import dev.spandrel.engine.scheduler.SchedulingPolicy;
import dev.spandrel.engine.scheduler.Sequence;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where passes run on a device, what need not wait is done while the next one is on its way, and nobody is forgotten. */
@Timeout(60)
class RunsAheadTest {
    private final AtomicLong clock = new AtomicLong(1);
    private final WaitingLine line = new WaitingLine(10, 0);
    private final ConcurrentLinkedQueue<String> said = new ConcurrentLinkedQueue<>();
    private int forwards;
    private boolean asyncScheduling = true;

    private final class Runner implements StepRunner {
        private final boolean ahead;
        private final boolean draws;

        private Runner(boolean ahead, boolean draws) {
            this.ahead = ahead;
            this.draws = draws;
        }

        @Override
        public boolean runsAhead() {
            return ahead;
        }

        @Override
        public void forward(ScheduledBatch batch) {
            said.add("forward " + forwards++);
        }

        @Override
        public boolean draw(ScheduledBatch batch) {
            boolean any = batch.sequences().stream().anyMatch(one -> ((LiveRequest) one).isInStep());
            said.add(draws && any ? "draw " + (forwards - 1) : "");
            return draws && any;
        }

        @Override
        public int drawn(int index) {
            said.add("read");
            return 7;
        }

        @Override
        public void score(LiveRequest request, int logitRow, int index) {}

        @Override
        public void pool(LiveRequest request, int firstRow, int rows, int index) {}

        @Override
        public int sample(LiveRequest request, int logitRow, int position) {
            said.add("sample " + (forwards - 1));
            return 7;
        }
    }

    /** Reads one request to its end, and returns what the engine did meanwhile. */
    private List<String> generate(boolean ahead, boolean draws, int tokens) throws InterruptedException {
        said.clear();
        forwards = 0;
        BlockManager blocks = new BlockManager(16, 4, false);
        Scheduler scheduler = new Scheduler(new SchedulerConfig(2, 6, 0, SchedulingPolicy.FCFS), blocks);
        EngineStep step = new EngineStep(
                scheduler,
                blocks,
                new Runner(ahead, draws),
                null,
                _ -> false,
                line,
                clock::incrementAndGet,
                FaultPoint.NONE,
                null,
                asyncScheduling);
        SamplingParams sampling = SamplingParams.DEFAULT.withMaxTokens(tokens);
        LiveRequest request =
                new LiveRequest(1, "r", new int[4], sampling, 0, 1, clock.incrementAndGet(), Sequence.Standing.PLAIN);
        try (EngineLoop loop =
                new EngineLoop(step, line, clock::incrementAndGet, record -> said.add("told " + record.index()))) {
            loop.start();
            loop.submit(request);
            int seen = 0;
            while (request.ending() == null) {
                request.await(seen);
                seen = request.published();
            }
            assertThat(request.published()).isEqualTo(tokens);
        }
        return said.stream().filter(word -> !word.isEmpty()).toList();
    }

    @Test
    void theLastStepIsToldWhileTheNextRuns() throws InterruptedException {
        assertThat(generate(true, false, 3))
                .containsExactly(
                        "forward 0",
                        "sample 0",
                        "forward 1",
                        "told 0",
                        "sample 1",
                        "forward 2",
                        "told 1",
                        "sample 2",
                        "told 2");
    }

    @Test
    void whereAPassIsOverWhenItReturnsNothingWaits() throws InterruptedException {
        assertThat(generate(false, false, 2))
                .containsExactly("forward 0", "sample 0", "told 0", "forward 1", "sample 1", "told 1");
    }

    /** The device has the next pass before anybody reads what it drew; with the last token known to be the last there is none. */
    @Test
    void wherePassesAndDrawsRunOnADeviceStepsOverlap() throws InterruptedException {
        assertThat(generate(true, true, 4))
                .containsExactly(
                        "forward 0",
                        "draw 0",
                        "forward 1",
                        "read",
                        "draw 1",
                        "told 0",
                        "forward 2",
                        "read",
                        "draw 2",
                        "told 1",
                        "forward 3",
                        "read",
                        "draw 3",
                        "told 2",
                        "read",
                        "told 3");
    }

    @Test
    void overlappingCanBeTurnedOff() throws InterruptedException {
        asyncScheduling = false;
        assertThat(generate(true, true, 2))
                .containsExactly("forward 0", "draw 0", "read", "forward 1", "draw 1", "told 0", "read", "told 1");
    }

    @Test
    void everyTokenWakesItsReader() throws InterruptedException {
        assertThat(generate(true, false, 40)).hasSize(120);
        assertThat(generate(true, true, 40)).hasSize(160);
    }
}
