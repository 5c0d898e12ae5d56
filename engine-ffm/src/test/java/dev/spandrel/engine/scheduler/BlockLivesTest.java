package dev.spandrel.engine.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.BlockLife;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What a sample of blocks went through, on a clock that the test turns. */
class BlockLivesTest {
    private final AtomicLong clock = new AtomicLong();
    private final List<BlockLife> told = new ArrayList<>();

    private BlockManager blocks(int count, double ratio) {
        return new BlockManager(count, 2, true, new BlockLives(count, ratio, new Random(1), clock::get, told::add));
    }

    private static Sequence sequence(long id, int... prompt) {
        return new Sequence(id, prompt, prompt.length + 1);
    }

    private void run(BlockManager blocks, Sequence sequence) {
        assertThat(blocks.admit(sequence)).isNotNegative();
        sequence.advance(sequence.length() - sequence.computed());
        blocks.register(sequence);
        blocks.free(sequence);
    }

    @Test
    void aBlockThatIsUsedAgainAndEvicted() {
        BlockManager blocks = blocks(2, 1);
        run(blocks, sequence(1, 1, 2, 3, 4));
        clock.set(100);
        run(blocks, sequence(2, 1, 2, 9));
        clock.set(130);
        run(blocks, sequence(3, 1, 2, 8));
        clock.set(200);
        run(blocks, sequence(4, 5, 6, 7, 8));
        // The block of 3, 4 went to the second sequence's 9, whose content was none to keep.
        assertThat(told)
                .containsExactly(new BlockLife(100, 100, List.of()), new BlockLife(200, 70, List.of(100L, 30L)));
    }

    @Test
    void onlyTheLatestUsesAreKept() {
        BlockManager blocks = blocks(2, 1);
        for (int i = 0; i < 10; i++) {
            clock.set(10L * i * i);
            run(blocks, sequence(i, 1, 2, 9));
        }
        clock.set(1_000);
        run(blocks, sequence(99, 5, 6, 7, 8));
        assertThat(told).containsExactly(new BlockLife(1_000, 190, List.of(130L, 150L, 170L)));
    }

    @Test
    void aSampleIsAboutItsShare() {
        BlockManager blocks = blocks(1_000, 0.1);
        int[] prompt = IntStream.range(0, 2_000).toArray();
        run(blocks, sequence(1, prompt));
        run(blocks, sequence(2, IntStream.range(3_000, 5_000).toArray()));
        assertThat(told).hasSizeBetween(60, 140);
    }
}
