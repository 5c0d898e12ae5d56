package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.sampling.ScoreChanges;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.sampling.TokenHistory;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Scheduler;
import dev.spandrel.engine.scheduler.SchedulerConfig;
import dev.spandrel.engine.scheduler.SchedulingPolicy;
import dev.spandrel.engine.scheduler.Sequence;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Steps that overlap on a device which does what it is given late, in order, and no sooner than somebody waits or a die says so.
 * A token is a function of all that lies in the sequence's blocks, so a block given away too early, a cached beginning with
 * another content or an id that arrives in the wrong place gives other tokens than the sequence by itself. In some worlds steps
 * fail anywhere, and those whom that does not concern still say what they say. A failure names its seed; {@code
 * -Dspandrel.seed=…} replays it.
 */
@Timeout(120)
class OverlapSimulationTest {
    private static final int VOCAB = 37;
    private static final int END = 5;
    private static final int WORLDS = 60;

    static LongStream seeds() {
        Long only = Long.getLong("spandrel.seed");
        return only != null ? LongStream.of(only) : LongStream.range(0, 8).map(i -> i * 1_000_003);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void everySequenceHasTheTokensThatItHasByItself(long first) {
        int worlds = Long.getLong("spandrel.seed") != null ? 1 : WORLDS;
        for (int i = 0; i < worlds; i++) {
            long seed = first + i;
            try {
                new World(new Random(seed)).run();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + " (replay with -Dspandrel.seed=" + seed + ")", e);
            }
        }
    }

    private static int next(long print, int position) {
        long mixed = (print + position) * 0x9E3779B97F4A7C15L;
        return (int) ((mixed >>> 33) % VOCAB);
    }

    private static long print(long before, int token) {
        return before * 6364136223846793005L + token + 1442695040888963407L;
    }

    /** What a sequence says when nobody else is there. */
    private static int[] alone(int[] prompt, int most) {
        int[] all = Arrays.copyOf(prompt, prompt.length + most);
        long print = 0;
        int length = 0;
        for (; length < prompt.length; length++) {
            print = print(print, all[length]);
        }
        while (length < all.length) {
            int token = next(print, length);
            all[length++] = token;
            if (token == END) {
                break;
            }
            print = print(print, token);
        }
        return Arrays.copyOfRange(all, prompt.length, length);
    }

    /** Passes and draws wait in a queue. */
    private static final class Device implements StepRunner {
        private final Random random;
        private final int blockSize;
        private final int[] memory;
        private final Queue<Runnable> queue = new ArrayDeque<>();
        private int[] drawn = {};
        private long[] prints = {};
        private int[] positions = {};
        private int read;
        private int asked;
        int overlapped;
        private boolean failed;

        Device(Random random, int blocks, int blockSize) {
            this.random = random;
            this.blockSize = blockSize;
            memory = new int[blocks * blockSize];
            Arrays.fill(memory, -99);
        }

        @Override
        public boolean runsAhead() {
            return true;
        }

        /** A step failed, and nobody may ever ask for what it had drawn. */
        void fail() {
            failed = true;
        }

        @Override
        public void forward(ScheduledBatch batch) {
            overlapped += asked > read ? 1 : 0;
            List<Runnable> writes = new ArrayList<>();
            List<int[]> tables = new ArrayList<>();
            List<Integer> lengths = new ArrayList<>();
            for (int i = 0; i < batch.sequences().size(); i++) {
                Sequence sequence = batch.sequences().get(i);
                int from = sequence.computed();
                int[] ids = Arrays.copyOfRange(sequence.tokens(), from, from + batch.tokenCount(i));
                int[] table = Arrays.copyOf(sequence.blocks(), sequence.blockCount());
                writes.add(() -> {
                    for (int t = 0; t < ids.length; t++) {
                        int id = ids[t] < 0 ? drawn[-1 - ids[t]] : ids[t];
                        memory[slot(table, from + t)] = id;
                    }
                });
                if (batch.logitRows(i) > 0) {
                    assertThat(batch.logitRows(i)).isEqualTo(1);
                    tables.add(table);
                    lengths.add(from + ids.length);
                }
            }
            queue.add(() -> {
                writes.forEach(Runnable::run);
                prints = new long[tables.size()];
                positions = new int[tables.size()];
                for (int row = 0; row < prints.length; row++) {
                    for (int p = 0; p < lengths.get(row); p++) {
                        prints[row] = print(prints[row], memory[slot(tables.get(row), p)]);
                    }
                    positions[row] = lengths.get(row);
                }
            });
            hurry();
        }

        private int slot(int[] table, int position) {
            return table[position / blockSize] * blockSize + position % blockSize;
        }

        private void hurry() {
            while (!queue.isEmpty() && random.nextInt(4) == 0) {
                queue.remove().run();
            }
        }

        @Override
        public boolean draw(ScheduledBatch batch) {
            List<Integer> rows = new ArrayList<>();
            int row = 0;
            for (int i = 0; i < batch.sequences().size(); i++) {
                LiveRequest request = (LiveRequest) batch.sequences().get(i);
                if (batch.logitRows(i) > 0 && request.isInStep()) {
                    if (request.wantedLogprobs() > 0) {
                        return false;
                    }
                    assertThat(request.isUnknown()).isFalse();
                    assertThat(request.generated()).isEqualTo(request.known());
                    rows.add(row);
                }
                row += batch.logitRows(i);
            }
            if (rows.isEmpty()) {
                return false;
            }
            if (asked > read) {
                assertThat(failed).as("draws are read before the next").isTrue();
                finish();
            }
            failed = false;
            asked++;
            queue.add(() -> {
                drawn = rows.stream()
                        .mapToInt(at -> OverlapSimulationTest.next(prints[at], positions[at]))
                        .toArray();
                read++;
            });
            hurry();
            return true;
        }

        @Override
        public int drawn(int index) {
            finish();
            return drawn[index];
        }

        /** Runs what comes up to the last draw, and nothing behind it. */
        private void finish() {
            while (read < asked) {
                queue.remove().run();
            }
        }

        @Override
        public int sample(LiveRequest request, int logitRow, int position) {
            while (!queue.isEmpty()) {
                queue.remove().run();
            }
            return OverlapSimulationTest.next(prints[logitRow], positions[logitRow]);
        }

        @Override
        public void score(LiveRequest request, int logitRow, int index) {}

        @Override
        public void pool(LiveRequest request, int firstRow, int rows, int index) {}
    }

    /** Never excludes anything; knows what comes next only when it was asked often enough. */
    private static final class Slow implements TokenConstraint {
        private final Random random;
        private int known = -1;
        private int patience;

        Slow(Random random) {
            this.random = random;
        }

        @Override
        public boolean ready(TokenHistory history) {
            assertThat(history.tokens()[history.length() - 1])
                    .as("asked with ids")
                    .isNotNegative();
            if (known != history.outputLength()) {
                if (patience == 0) {
                    patience = 1 + random.nextInt(4);
                }
                if (--patience > 0) {
                    return false;
                }
                known = history.outputLength();
            }
            return true;
        }

        @Override
        public void await(TokenHistory history) {
            throw new UnsupportedOperationException("the engine thread never waits");
        }

        @Override
        public boolean complete(TokenHistory history) {
            return false;
        }

        @Override
        public boolean cutShort() {
            return false;
        }

        @Override
        public EngineException failure() {
            return null;
        }

        @Override
        public void abandon() {}

        @Override
        public void process(float[] logits, int count, TokenHistory history) {}

        @Override
        public void note(ScoreChanges changes, TokenHistory history) {}
    }

    private static final class Injected extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Injected(String message) {
            super(message);
        }
    }

    private static final class World {
        private final Random random;
        private final AtomicLong clock = new AtomicLong(1);
        private final BlockManager blocks;
        private final Device device;
        private final EngineStep step;
        private final WaitingLine line = new WaitingLine(1000, 0);
        private final List<LiveRequest> all = new ArrayList<>();
        private final int capacity;
        private final boolean plain;
        private final boolean faulty;
        private long lastEnd;
        private long lastIndex = -1;
        private int faults;

        World(Random random) {
            this.random = random;
            int blockSize = 1 << random.nextInt(4);
            int count = 6 + random.nextInt(30);
            capacity = count * blockSize;
            blocks = new BlockManager(count, blockSize, random.nextInt(4) != 0);
            device = new Device(random, count, blockSize);
            SchedulerConfig config = new SchedulerConfig(
                    1 + random.nextInt(8),
                    4 + random.nextInt(40),
                    random.nextBoolean() ? 0 : 1 + random.nextInt(20),
                    new SchedulingPolicy(random.nextBoolean(), 10));
            step = new EngineStep(
                    new Scheduler(config, blocks, this::fault),
                    blocks,
                    device,
                    null,
                    token -> token == END,
                    line,
                    clock::incrementAndGet,
                    this::fault);
            plain = random.nextBoolean();
            faulty = random.nextInt(3) == 0;
        }

        private void fault(String point) {
            if (faulty && random.nextInt(300) == 0) {
                throw new Injected("injected at " + point);
            }
        }

        void run() {
            int wanted = 40;
            int idle = 0;
            while (all.size() < wanted || !step.isIdle()) {
                while (all.size() < wanted && random.nextInt(3) == 0) {
                    arrive();
                }
                if (!all.isEmpty() && random.nextInt(12) == 0) {
                    leave(all.get(random.nextInt(all.size())));
                }
                if (!step.isIdle()) {
                    StepRecord record = turn();
                    idle = record == null && !step.isInFlight() ? idle + 1 : 0;
                    check(record);
                    assertThat(idle).as("turns in which nobody could run").isLessThan(100);
                }
                if (random.nextInt(3) == 0) {
                    step.wake();
                }
            }
            all.forEach(this::check);
            assertThat(blocks.usedBlocks()).isZero();
            if (faults == 0) {
                assertThat(step.stats().generatedTokens())
                        .isEqualTo(
                                all.stream().mapToLong(LiveRequest::published).sum());
            }
            assertThat(device.overlapped).isPositive();
        }

        private StepRecord turn() {
            try {
                return step.run(random.nextInt(20) == 0, () -> {});
            } catch (Injected e) {
                faults++;
                device.fail();
                assertThat(step.fail(new EngineException.StepFailed(e.getMessage(), e)))
                        .isPositive();
                return null;
            }
        }

        private void arrive() {
            int length = 1 + random.nextInt(Math.max(1, capacity / 2));
            int output = 1 + random.nextInt(Math.max(1, Math.min(40, capacity - length)));
            int[] prompt = new int[length];
            for (int i = random.nextInt(length); i < length; i++) {
                prompt[i] = random.nextInt(2);
            }
            SamplingParams sampling = SamplingParams.DEFAULT.withMaxTokens(output);
            LiveRequest request = new LiveRequest(
                    all.size(),
                    "r" + all.size(),
                    prompt,
                    sampling,
                    0,
                    1,
                    clock.incrementAndGet(),
                    new Sequence.Standing(random.nextInt(3), clock.get(), new byte[0]));
            if (!plain && random.nextInt(6) == 0) {
                request.wantLogprobs(1);
            } else if (!plain && random.nextInt(6) == 0) {
                request.use(new SamplingPlan(new Slow(random), List.of(), List.of()));
            }
            line.enter(clock.get());
            request.entersLine();
            step.add(request);
            all.add(request);
        }

        private void leave(LiveRequest request) {
            step.end(request, new LiveRequest.Ending(FinishReason.ABORT, 0, clock.incrementAndGet(), null));
        }

        private void check(StepRecord record) {
            for (LiveRequest request : all) {
                for (int i = 0; i < request.published(); i++) {
                    assertThat(request.token(i))
                            .as("nobody is shown a place for an id")
                            .isNotNegative();
                }
            }
            if (record != null) {
                // A step that fails while it is published has had its number.
                assertThat(record.index()).isBetween(lastIndex + 1, lastIndex + 1 + faults);
                lastIndex = record.index();
                assertThat(record.startNanos()).as("steps lie end to end").isGreaterThanOrEqualTo(lastEnd);
                assertThat(record.endNanos()).isGreaterThanOrEqualTo(record.forwardNanos());
                lastEnd = record.endNanos();
            }
        }

        private void check(LiveRequest request) {
            int[] prompt = Arrays.copyOf(request.tokens(), request.promptLength());
            int[] expected = alone(prompt, request.maxLength() - request.promptLength());
            int[] found = Arrays.copyOfRange(
                    request.tokens(), request.promptLength(), request.promptLength() + request.published());
            FinishReason reason = request.ending().reason();
            if (reason == FinishReason.ABORT || reason == FinishReason.ERROR && faults > 0) {
                assertThat(found).isEqualTo(Arrays.copyOf(expected, found.length));
            } else {
                assertThat(found).as(request.requestId()).isEqualTo(expected);
                boolean stopped = expected[expected.length - 1] == END;
                assertThat(reason).isEqualTo(stopped ? FinishReason.STOP : FinishReason.LENGTH);
            }
        }
    }
}
