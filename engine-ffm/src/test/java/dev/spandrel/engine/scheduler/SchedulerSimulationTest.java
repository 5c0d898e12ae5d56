package dev.spandrel.engine.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random arrivals, cancellations and sizes; after every step: free + used = all blocks, no block in two hands, the budget
 * kept, every sequence finished once. A failure names its seed; {@code -Dspandrel.seed=…} replays it.
 */
class SchedulerSimulationTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void invariantsHold(long number) {
        long seed = Long.getLong("spandrel.seed", number * 7919);
        try {
            simulate(new Random(seed), 5_000);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("seed " + seed + " (replay with -Dspandrel.seed=" + seed + ")", e);
        }
    }

    private static void simulate(Random random, int steps) {
        int blockSize = 1 << random.nextInt(5);
        BlockManager blocks = new BlockManager(4 + random.nextInt(60), blockSize);
        int capacity = blocks.totalBlocks() * blockSize;
        int budget = 1 + random.nextInt(100);
        int maxNumSeqs = 1 + random.nextInt(12);
        Scheduler scheduler = new Scheduler(maxNumSeqs, budget, blocks);
        List<Sequence> alive = new ArrayList<>();
        Set<Long> finished = new HashSet<>();
        long ids = 0;
        int idle = 0;
        for (int step = 0; step < steps; step++) {
            while (alive.size() < 40 && random.nextInt(3) == 0) {
                int prompt = 1 + random.nextInt(Math.max(1, capacity / 2));
                int output = 1 + random.nextInt(Math.max(1, capacity - prompt));
                Sequence sequence = new Sequence(ids++, new int[prompt], prompt + output);
                scheduler.add(sequence);
                alive.add(sequence);
            }
            if (!alive.isEmpty() && random.nextInt(10) == 0) {
                Sequence victim = alive.remove(random.nextInt(alive.size()));
                scheduler.finish(victim);
                assertThat(finished.add(victim.id())).isTrue();
            }
            ScheduledBatch batch = scheduler.schedule();
            check(scheduler, blocks, batch, budget, maxNumSeqs);
            idle = batch.isEmpty() && !alive.isEmpty() ? idle + 1 : 0;
            assertThat(idle).as("steps without progress while sequences wait").isLessThan(2);
            boolean[] samples = new boolean[batch.sequences().size()];
            for (int i = 0; i < samples.length; i++) {
                samples[i] = batch.samples(i);
            }
            scheduler.advance(batch);
            for (int i = 0; i < samples.length; i++) {
                Sequence sequence = batch.sequences().get(i);
                if (samples[i]) {
                    sequence.append(1);
                    if (sequence.length() == sequence.maxLength() || random.nextInt(30) == 0) {
                        scheduler.finish(sequence);
                        assertThat(finished.add(sequence.id())).isTrue();
                        alive.remove(sequence);
                    }
                }
            }
        }
        for (Sequence sequence : alive) {
            scheduler.finish(sequence);
        }
        assertThat(blocks.freeBlocks()).isEqualTo(blocks.totalBlocks());
        assertThat(scheduler.isIdle()).isTrue();
    }

    private static void check(
            Scheduler scheduler, BlockManager blocks, ScheduledBatch batch, int budget, int maxNumSeqs) {
        assertThat(batch.tokens()).isLessThanOrEqualTo(budget);
        assertThat(scheduler.running()).hasSizeLessThanOrEqualTo(maxNumSeqs);
        Set<Integer> held = new HashSet<>();
        int count = 0;
        for (Sequence sequence : scheduler.running()) {
            for (int i = 0; i < sequence.blockCount(); i++) {
                assertThat(held.add(sequence.blocks()[i]))
                        .as("a block in one hand")
                        .isTrue();
                count++;
            }
        }
        assertThat(count).isEqualTo(blocks.usedBlocks());
        assertThat(blocks.usedBlocks() + blocks.freeBlocks()).isEqualTo(blocks.totalBlocks());
        for (int i = 0; i < batch.sequences().size(); i++) {
            Sequence sequence = batch.sequences().get(i);
            assertThat(sequence.state()).isEqualTo(Sequence.State.RUNNING);
            assertThat(batch.tokenCount(i)).isPositive();
            assertThat(sequence.computed() + batch.tokenCount(i)).isLessThanOrEqualTo(sequence.length());
            assertThat(sequence.blockCount() * blocks.blockSize())
                    .isGreaterThanOrEqualTo(sequence.computed() + batch.tokenCount(i));
        }
    }
}
