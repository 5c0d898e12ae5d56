package dev.spandrel.engine.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A million steps over random arrivals, cancellations, sizes, policies and shared beginnings. After every step: free + used
 * = all blocks, as many references as holders, the limits of the step kept, every sequence finished once, and what lies in
 * a sequence's blocks is what it would have computed itself. A failure names its seed; {@code -Dspandrel.seed=…} replays
 * it.
 */
class SchedulerSimulationTest {
    private static final int WORLDS = 200;
    private static final int STEPS = 5_000;

    static LongStream seeds() {
        Long only = Long.getLong("spandrel.seed");
        return only != null ? LongStream.of(only) : LongStream.range(0, 10).map(i -> i * 1_000_003);
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void invariantsHold(long first) {
        int worlds = Long.getLong("spandrel.seed") != null ? 1 : WORLDS / 10;
        for (int i = 0; i < worlds; i++) {
            long seed = first + i;
            try {
                new World(new Random(seed)).run(STEPS);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + " (replay with -Dspandrel.seed=" + seed + ")", e);
            }
        }
    }

    /** One engine's life with a shadow of what its cache holds. */
    private static final class World {
        private final Random random;
        private final BlockManager blocks;
        private final SchedulerConfig config;
        private final Scheduler scheduler;
        private final int blockSize;
        private final int capacity;
        private final boolean caching;
        /** What each slot holds: a fingerprint of the token there and all before it in the sequence that wrote it. */
        private final long[] shadow;

        private final List<Sequence> alive = new ArrayList<>();
        private final Set<Long> finished = new HashSet<>();
        private final Map<Long, Integer> waits = new HashMap<>();
        private long ids;
        private long hits;

        World(Random random) {
            this.random = random;
            blockSize = 1 << random.nextInt(5);
            int count = 4 + random.nextInt(60);
            caching = random.nextInt(4) != 0;
            blocks = new BlockManager(count, blockSize, caching);
            capacity = count * blockSize;
            shadow = new long[capacity];
            config = new SchedulerConfig(
                    1 + random.nextInt(12),
                    1 + random.nextInt(100),
                    random.nextBoolean() ? 0 : 1 + random.nextInt(40),
                    new SchedulingPolicy(random.nextBoolean(), random.nextInt(2) * 10L));
            scheduler = new Scheduler(config, blocks);
        }

        void run(int steps) {
            int idle = 0;
            for (int step = 0; step < steps; step++) {
                arrive(step);
                cancel();
                ScheduledBatch batch = scheduler.schedule();
                check(batch);
                idle = batch.isEmpty() && !alive.isEmpty() ? idle + 1 : 0;
                if (idle > 0) {
                    throw new AssertionError("a step without progress while " + alive.size() + " sequences wait");
                }
                compute(batch);
            }
            for (Sequence sequence : alive) {
                scheduler.finish(sequence);
            }
            assertThat(blocks.freeBlocks()).isEqualTo(blocks.totalBlocks());
            assertThat(scheduler.isIdle()).isTrue();
            if (!caching) {
                assertThat(hits).isZero();
            }
        }

        private void arrive(int step) {
            while (alive.size() < 30 && random.nextInt(3) == 0) {
                int length = 1 + random.nextInt(Math.max(1, capacity / 2));
                int output = 1 + random.nextInt(Math.max(1, Math.min(60, capacity - length)));
                int[] prompt = new int[length];
                // Few tokens and long runs of equal ones make many equal beginnings.
                int change = random.nextInt(length);
                for (int i = change; i < length; i++) {
                    prompt[i] = random.nextInt(2);
                }
                Sequence.Standing standing = new Sequence.Standing(
                        random.nextInt(3), step, random.nextInt(4) == 0 ? new byte[] {1} : new byte[0]);
                Sequence sequence = new Sequence(ids++, prompt, length + output, standing);
                scheduler.add(sequence);
                alive.add(sequence);
            }
        }

        private void cancel() {
            if (!alive.isEmpty() && random.nextInt(10) == 0) {
                end(alive.get(random.nextInt(alive.size())));
            }
        }

        private void end(Sequence sequence) {
            scheduler.finish(sequence);
            alive.remove(sequence);
            require(finished.add(sequence.id()), "a sequence finished twice");
            require(sequence.blockCount() == 0, "a finished sequence holds blocks");
        }

        private void compute(ScheduledBatch batch) {
            int size = batch.sequences().size();
            boolean[] samples = new boolean[size];
            for (int i = 0; i < size; i++) {
                Sequence sequence = batch.sequences().get(i);
                samples[i] = batch.samples(i);
                write(sequence, sequence.computed(), sequence.computed() + batch.tokenCount(i));
            }
            scheduler.advance(batch);
            for (int i = 0; i < size; i++) {
                Sequence sequence = batch.sequences().get(i);
                if (samples[i]) {
                    sequence.append(random.nextInt(2));
                    if (sequence.length() == sequence.maxLength() || random.nextInt(30) == 0) {
                        end(sequence);
                    }
                }
            }
        }

        private void write(Sequence sequence, int from, int to) {
            long print = fingerprint(sequence, 0, from, sequence.salt().length);
            for (int position = from; position < to; position++) {
                print = fingerprint(sequence, position, position + 1, print);
                shadow[slot(sequence, position)] = print;
            }
        }

        private long fingerprint(Sequence sequence, int from, int to, long start) {
            long print = start;
            for (int i = from; i < to; i++) {
                print = print * 6364136223846793005L + sequence.tokens()[i] + 1442695040888963407L;
            }
            return print;
        }

        private int slot(Sequence sequence, int position) {
            return sequence.blocks()[position / blockSize] * blockSize + position % blockSize;
        }

        private void check(ScheduledBatch batch) {
            require(batch.tokens() <= config.maxNumBatchedTokens(), "the budget is kept");
            require(scheduler.running().size() <= config.maxNumSeqs(), "max_num_seqs is kept");
            int[] holders = new int[blocks.totalBlocks()];
            int used = 0;
            for (Sequence sequence : scheduler.running()) {
                for (int i = 0; i < sequence.blockCount(); i++) {
                    if (holders[sequence.blocks()[i]]++ == 0) {
                        used++;
                    }
                }
            }
            for (int block = 0; block < holders.length; block++) {
                require(holders[block] == blocks.references(block), "as many references as holders");
            }
            require(used == blocks.usedBlocks(), "used blocks are held blocks");
            require(blocks.usedBlocks() + blocks.freeBlocks() == blocks.totalBlocks(), "free + used = all");
            for (Sequence sequence : batch.admitted()) {
                hits += sequence.cachedTokens();
                require(sequence.cachedTokens() < sequence.length(), "at least one token is computed");
            }
            for (int i = 0; i < batch.sequences().size(); i++) {
                check(batch.sequences().get(i), batch.tokenCount(i));
            }
        }

        private void check(Sequence sequence, int count) {
            require(sequence.state() == Sequence.State.RUNNING, "only running sequences compute");
            require(count > 0, "a scheduled sequence computes something");
            int threshold = config.longPrefillTokenThreshold();
            require(
                    threshold == 0 || count <= Math.max(threshold, 8 * threshold - sequence.computed()),
                    "the threshold is kept");
            require(sequence.computed() + count <= sequence.length(), "no token is computed before it exists");
            require(sequence.blockCount() * blockSize >= sequence.computed() + count, "blocks cover the step");
            long print = sequence.salt().length;
            for (int position = 0; position < sequence.computed(); position++) {
                print = fingerprint(sequence, position, position + 1, print);
                if (position % blockSize == blockSize - 1 || position == sequence.computed() - 1) {
                    require(
                            shadow[slot(sequence, position)] == print,
                            "the cache holds what the sequence would have computed");
                }
            }
        }

        private static void require(boolean holds, String what) {
            if (!holds) {
                throw new AssertionError("broken: " + what);
            }
        }
    }
}
