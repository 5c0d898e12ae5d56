package dev.spandrel.engine.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PrefixCacheTest {
    private final BlockManager blocks = new BlockManager(8, 4, true);
    private final Scheduler scheduler = new Scheduler(new SchedulerConfig(8, 1000, 0, SchedulingPolicy.FCFS), blocks);
    private long ids;

    private Sequence run(int[] prompt, byte... salt) {
        Sequence sequence = new Sequence(ids++, prompt, prompt.length + 4, new Sequence.Standing(0, 0, salt));
        scheduler.add(sequence);
        ScheduledBatch batch = scheduler.schedule();
        assertThat(batch.sequences()).contains(sequence);
        scheduler.advance(batch);
        return sequence;
    }

    private static int[] tokens(int from, int to) {
        return IntStream.range(from, to).toArray();
    }

    @Test
    void anEqualBeginningIsFoundInWholeBlocks() {
        scheduler.finish(run(tokens(0, 10)));
        Sequence second = run(tokens(0, 10));
        assertThat(second.cachedTokens()).isEqualTo(8);
        int[] other = tokens(0, 10);
        other[5] = 99;
        assertThat(run(other).cachedTokens())
                .as("only the first block is equal")
                .isEqualTo(4);
    }

    @Test
    void theLastTokenIsAlwaysComputed() {
        scheduler.finish(run(tokens(0, 8)));
        assertThat(run(tokens(0, 8)).cachedTokens())
                .as("8 would leave nothing to compute")
                .isEqualTo(4);
    }

    @Test
    void whatIsStillInUseIsShared() {
        Sequence first = run(tokens(0, 10));
        Sequence second = run(tokens(0, 10));
        assertThat(second.blocks()[0]).isEqualTo(first.blocks()[0]);
        assertThat(blocks.references(first.blocks()[0])).isEqualTo(2);
        assertThat(blocks.usedBlocks()).isEqualTo(4);
        scheduler.finish(first);
        assertThat(blocks.usedBlocks()).isEqualTo(3);
        scheduler.finish(second);
        assertThat(blocks.usedBlocks()).isZero();
    }

    @Test
    void anotherSaltSharesNothing() {
        scheduler.finish(run(tokens(0, 10), (byte) 1));
        Sequence unsalted = run(tokens(0, 10));
        assertThat(unsalted.cachedTokens()).isZero();
        scheduler.finish(unsalted);
        assertThat(run(tokens(0, 10), (byte) 1).cachedTokens()).isEqualTo(8);
        assertThat(run(tokens(0, 10), (byte) 2).cachedTokens()).isZero();
    }

    @Test
    void theLeastRecentlyUsedIsEvictedAndOfItTheEndFirst() {
        scheduler.finish(run(tokens(0, 13)));
        scheduler.finish(run(tokens(100, 109)));
        assertThat(blocks.cachedBlocks()).isEqualTo(5);
        // Three blocks are blank (two of them were never full); this needs four and evicts the end of the oldest.
        scheduler.finish(run(tokens(200, 216)));
        assertThat(run(tokens(0, 13)).cachedTokens()).as("12 were cached").isEqualTo(8);
    }

    @Test
    void generatedTokensAreCachedToo() {
        Sequence first = run(tokens(0, 7));
        for (int token = 7; token < 10; token++) {
            first.append(token);
            scheduler.advance(scheduler.schedule());
        }
        scheduler.finish(first);
        assertThat(run(tokens(0, 10)).cachedTokens()).isEqualTo(8);
    }

    @Test
    void aPreemptedSequenceFindsWhatIsLeftOfItsOwn() {
        BlockManager few = new BlockManager(4, 4, true);
        Scheduler tight = new Scheduler(new SchedulerConfig(8, 1000, 0, SchedulingPolicy.FCFS), few);
        Sequence first = new Sequence(1, tokens(0, 8), 16);
        Sequence second = new Sequence(2, tokens(50, 58), 12);
        tight.add(first);
        tight.add(second);
        tight.advance(tight.schedule());
        first.append(8);
        second.append(58);
        ScheduledBatch batch = tight.schedule();
        assertThat(batch.preempted()).containsExactly(second);
        tight.advance(batch);
        tight.finish(first);
        batch = tight.schedule();
        assertThat(batch.sequences()).containsExactly(second);
        assertThat(second.cachedTokens())
                .as("its first block was not needed meanwhile")
                .isEqualTo(4);
        assertThat(batch.tokenCount(0)).isEqualTo(5);
    }
}
