package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.FaultPoint;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Scheduler;
import dev.spandrel.engine.scheduler.SchedulerConfig;
import dev.spandrel.engine.scheduler.SchedulingPolicy;
import dev.spandrel.engine.scheduler.Sequence;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** A request may leave in any state: its blocks are free before the next step, and nothing is published afterwards. */
class CancellationTest {
    private final AtomicLong clock = new AtomicLong(1);
    private final BlockManager blocks = new BlockManager(8, 4, false);
    private final WaitingLine line = new WaitingLine(10, 0);
    private final EngineStep step = new EngineStep(
            new Scheduler(new SchedulerConfig(2, 6, 0, SchedulingPolicy.FCFS), blocks),
            blocks,
            new StepRunner() {
                @Override
                public void forward(ScheduledBatch batch) {}

                @Override
                public void score(LiveRequest request, int logitRow, int index) {}

                @Override
                public void pool(LiveRequest request, int firstRow, int rows, int index) {}

                @Override
                public int sample(LiveRequest request, int logitRow, int position) {
                    return 7;
                }
            },
            null,
            token -> false,
            line,
            clock::incrementAndGet,
            FaultPoint.NONE);
    private long ids;

    private LiveRequest submit(int prompt, int output) {
        SamplingParams sampling = SamplingParams.DEFAULT.withMaxTokens(output);
        LiveRequest request = new LiveRequest(
                ids, "r" + ids++, new int[prompt], sampling, 0, 1, clock.incrementAndGet(), Sequence.Standing.PLAIN);
        line.enter(clock.get());
        request.entersLine();
        step.add(request);
        return request;
    }

    private void leave(LiveRequest request, Sequence.State state) {
        assertThat(request.state()).isEqualTo(state);
        int used = blocks.usedBlocks();
        int held = request.blockCount();
        int published = request.published();
        step.end(request, new LiveRequest.Ending(FinishReason.ABORT, 0, clock.incrementAndGet(), null));
        assertThat(blocks.usedBlocks()).isEqualTo(used - held);
        if (!step.isIdle()) {
            step.run(false, () -> {});
        }
        assertThat(request.published()).as("nothing is published afterwards").isEqualTo(published);
        assertThat(request.ending().reason()).isEqualTo(FinishReason.ABORT);
        assertThat(request.timings(published, request.ending().nanos()).finishedNanos())
                .isNotEqualTo(RequestTimings.NOT_REACHED);
    }

    @Test
    void queued() {
        submit(4, 20);
        submit(4, 20);
        step.run(false, () -> {});
        LiveRequest third = submit(4, 20);
        leave(third, Sequence.State.WAITING);
        assertThat(line.waiting()).isZero();
    }

    @Test
    void inTheMiddleOfThePrefill() {
        LiveRequest request = submit(20, 10);
        step.run(false, () -> {});
        assertThat(request.computed()).isEqualTo(6);
        leave(request, Sequence.State.RUNNING);
        assertThat(blocks.usedBlocks()).isZero();
    }

    @Test
    void inTheMiddleOfDecoding() {
        LiveRequest request = submit(4, 20);
        for (int i = 0; i < 5; i++) {
            step.run(false, () -> {});
        }
        assertThat(request.published()).isEqualTo(5);
        leave(request, Sequence.State.RUNNING);
        assertThat(blocks.usedBlocks()).isZero();
    }

    @Test
    void preempted() {
        LiveRequest first = submit(4, 28);
        LiveRequest second = submit(4, 28);
        while (second.state() != Sequence.State.PREEMPTED) {
            step.run(false, () -> {});
        }
        assertThat(second.blockCount()).isZero();
        leave(second, Sequence.State.PREEMPTED);
        leave(first, Sequence.State.RUNNING);
        assertThat(blocks.usedBlocks()).isZero();
        assertThat(step.isIdle()).isTrue();
    }
}
