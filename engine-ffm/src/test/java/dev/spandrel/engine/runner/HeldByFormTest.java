package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.sampling.ScoreChanges;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.sampling.TokenHistory;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.FaultPoint;
import dev.spandrel.engine.scheduler.NgramProposer;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Scheduler;
import dev.spandrel.engine.scheduler.SchedulerConfig;
import dev.spandrel.engine.scheduler.SchedulingPolicy;
import dev.spandrel.engine.scheduler.Sequence;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A request whose form takes long to follow waits for it alone: steps go on without it, and it goes on when it is known. */
@Timeout(60)
class HeldByFormTest {
    private final AtomicLong clock = new AtomicLong(1);
    private final BlockManager blocks = new BlockManager(64, 4, false);
    private final WaitingLine line = new WaitingLine(10, 0);
    private final EngineStep step = step(null);
    private long ids;

    /** Draws 7, 8, 9, 7, 8, 9, …; a repeating prompt lets drafts be right. */
    private EngineStep step(NgramProposer proposer) {
        return new EngineStep(
                new Scheduler(new SchedulerConfig(4, 64, 0, SchedulingPolicy.FCFS), blocks),
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
                        if (request.plan().constraint() instanceof Form form) {
                            form.process(new float[0], 0, request.before(position));
                        }
                        return 7 + position % 3;
                    }
                },
                proposer,
                token -> false,
                line,
                clock::incrementAndGet,
                FaultPoint.NONE);
    }

    /** Known up to so many tokens, complete after so many. */
    private static final class Form implements TokenConstraint {
        private volatile int knownUpTo;
        private final int completeAfter;
        private volatile EngineException failure;
        private volatile Thread waiter;
        private int latest;
        private boolean abandoned;

        Form(int knownUpTo, int completeAfter) {
            this.knownUpTo = knownUpTo;
            this.completeAfter = completeAfter;
        }

        void know(int tokens) {
            knownUpTo = tokens;
            LockSupport.unpark(waiter);
        }

        @Override
        public boolean ready(TokenHistory history) {
            waiter = Thread.currentThread();
            latest = history.outputLength();
            return latest <= knownUpTo;
        }

        @Override
        public void await(TokenHistory history) {
            throw new UnsupportedOperationException("the engine thread never waits");
        }

        @Override
        public boolean complete(TokenHistory history) {
            assertThat(history.outputLength()).isEqualTo(latest).isLessThanOrEqualTo(knownUpTo);
            return history.outputLength() >= completeAfter;
        }

        @Override
        public boolean cutShort() {
            return false;
        }

        @Override
        public EngineException failure() {
            return failure;
        }

        @Override
        public void abandon() {
            abandoned = true;
        }

        @Override
        public void process(float[] logits, int count, TokenHistory history) {
            assertThat(history.outputLength())
                    .as("nothing is drawn before it is known")
                    .isLessThanOrEqualTo(knownUpTo);
            assertThat(history.outputLength()).as("nor behind the end").isLessThan(completeAfter);
        }

        @Override
        public void note(ScoreChanges changes, TokenHistory history) {
            process(new float[0], 0, history);
        }
    }

    private LiveRequest request(int[] prompt, int output, Form form) {
        LiveRequest request = new LiveRequest(
                ids,
                "r" + ids++,
                prompt,
                SamplingParams.DEFAULT.withMaxTokens(output),
                0,
                1,
                clock.incrementAndGet(),
                Sequence.Standing.PLAIN);
        if (form != null) {
            request.use(new SamplingPlan(form, List.of(), List.of()));
        }
        return request;
    }

    private LiveRequest submit(EngineStep to, int[] prompt, int output, Form form) {
        LiveRequest request = request(prompt, output, form);
        line.enter(clock.get());
        request.entersLine();
        to.add(request);
        return request;
    }

    private LiveRequest submit(int output, Form form) {
        return submit(step, new int[3], output, form);
    }

    @Test
    void othersGetAllTheirTokensMeanwhile() {
        Form slow = new Form(0, 99);
        LiveRequest waits = submit(50, slow);
        LiveRequest other = submit(50, null);
        for (int i = 1; i <= 30; i++) {
            assertThat(step.run(false, () -> {}).sequences()).isEqualTo(i == 1 ? 2 : 1);
            assertThat(other.published()).isEqualTo(i);
            assertThat(waits.published()).isEqualTo(1);
        }
        slow.know(3);
        for (int i = 0; i < 5; i++) {
            step.run(false, () -> {});
        }
        assertThat(waits.published()).isEqualTo(4);
        assertThat(other.published()).isEqualTo(35);
    }

    @Test
    void aStepOfNobodyIsNone() {
        Form slow = new Form(0, 99);
        LiveRequest waits = submit(50, slow);
        assertThat(step.run(false, () -> {}).index()).isZero();
        assertThat(step.run(false, () -> {})).isNull();
        assertThat(step.run(true, () -> {})).isNull();
        assertThat(step.isIdle()).isFalse();
        assertThat(step.stats().steps()).isEqualTo(1);
        slow.know(1);
        assertThat(step.run(false, () -> {}).index()).isEqualTo(1);
        assertThat(waits.published()).isEqualTo(2);
    }

    @Test
    void anEndThatIsKnownLateIsTheEnd() {
        Form slow = new Form(2, 3);
        LiveRequest request = submit(3, slow);
        for (int i = 0; i < 3; i++) {
            step.run(false, () -> {});
        }
        assertThat(request.published()).isEqualTo(3);
        assertThat(request.ending()).isNull();
        assertThat(step.run(false, () -> {})).isNull();
        slow.know(3);
        step.run(false, () -> {});
        assertThat(request.ending().reason()).isEqualTo(FinishReason.STOP);
        assertThat(request.published()).isEqualTo(3);
        assertThat(step.isIdle()).isTrue();
        assertThat(blocks.usedBlocks()).isZero();
    }

    @Test
    void aFormThatFailsEndsItsRequestWithTheCause() {
        Form slow = new Form(0, 99);
        LiveRequest request = submit(50, slow);
        step.run(false, () -> {});
        slow.failure = new EngineException.InvalidRequest("structured_outputs", "too complex");
        slow.know(1);
        step.run(false, () -> {});
        assertThat(request.ending().reason()).isEqualTo(FinishReason.ERROR);
        assertThat(request.ending().failure()).hasMessage("too complex");
        assertThat(blocks.usedBlocks()).isZero();
    }

    @Test
    void whoLeavesWhileItWaitsIsForgotten() {
        Form slow = new Form(0, 99);
        LiveRequest request = submit(50, slow);
        step.run(false, () -> {});
        step.end(request, new LiveRequest.Ending(FinishReason.ABORT, 0, 9, null));
        assertThat(slow.abandoned).isTrue();
        assertThat(step.isIdle()).isTrue();
        slow.know(5);
        submit(1, null);
        step.run(false, () -> {});
        assertThat(request.published()).isEqualTo(1);
    }

    /** Drafts are right to the end of the prompt's repetition; the form ends, or is not known, in the middle of one. */
    @Test
    void draftsGoNoFurtherThanTheForm() {
        int[] prompt = {7, 8, 9, 7, 8, 9, 7, 8, 9};
        for (int completeAfter = 1; completeAfter <= 6; completeAfter++) {
            EngineStep speculating = step(new NgramProposer(4, 2, 3));
            LiveRequest request = submit(speculating, prompt, 20, new Form(99, completeAfter));
            while (request.ending() == null) {
                speculating.run(false, () -> {});
            }
            assertThat(request.ending().reason()).isEqualTo(FinishReason.STOP);
            assertThat(request.published()).isEqualTo(completeAfter);
        }
        EngineStep speculating = step(new NgramProposer(4, 2, 3));
        Form slow = new Form(2, 99);
        LiveRequest request = submit(speculating, prompt, 20, slow);
        while (speculating.run(false, () -> {}) != null) {}
        assertThat(request.published()).isEqualTo(3);
    }

    /** The loop sleeps while nobody can run, and whoever made the form wakes it. */
    @Test
    void theLoopIsWokenByTheForm() throws Exception {
        Form slow = new Form(0, 3);
        try (EngineLoop loop = new EngineLoop(step, line, clock::incrementAndGet, record -> {})) {
            LiveRequest request = request(new int[3], 50, slow);
            loop.submit(request);
            loop.start();
            request.await(0);
            for (int known = 1; known <= 3; known++) {
                slow.know(known);
                if (known < 3) {
                    request.await(known);
                }
            }
            while (request.ending() == null) {
                request.await(3);
            }
            assertThat(request.ending().reason()).isEqualTo(FinishReason.STOP);
        }
    }
}
