package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Random merges over few symbols, so that they overlap and overtake each other, against the plain way. */
class WordMergerTest {
    private static final int ROUNDS = 20_000;

    @Test
    void mergesAsThePlainWayDoes() {
        long base = Long.getLong("merge.seed", 20_261_123L);
        for (int i = 0; i < ROUNDS; i++) {
            SplittableRandom random = new SplittableRandom(base + i);
            int count = 1 + random.nextInt(12);
            MergeTable merges = new MergeTable(count);
            for (int rank = 0; rank < count; rank++) {
                // Any pair of symbols, those of later merges too: ranks need not follow the order of making.
                merges.put(random.nextInt(3 + count), random.nextInt(3 + count), rank, 3 + rank);
            }
            WordMerger merger = new WordMerger(merges);
            for (int word = 0; word < 3; word++) {
                int[] symbols = random.ints(random.nextInt(40), 0, 3).toArray();
                assertThat(merger.merge(symbols))
                        .as("merge.seed=" + (base + i))
                        .containsExactly(plain(symbols, merges));
            }
        }
    }

    private static int[] plain(int[] word, MergeTable merges) {
        List<Integer> symbols = new ArrayList<>();
        for (int symbol : word) {
            symbols.add(symbol);
        }
        while (true) {
            int best = -1;
            int bestRank = Integer.MAX_VALUE;
            for (int i = 0; i + 1 < symbols.size(); i++) {
                int rank = merges.rank(symbols.get(i), symbols.get(i + 1));
                if (rank >= 0 && rank < bestRank) {
                    best = i;
                    bestRank = rank;
                }
            }
            if (best < 0) {
                return symbols.stream().mapToInt(Integer::intValue).toArray();
            }
            symbols.set(best, merges.result(bestRank));
            symbols.remove(best + 1);
        }
    }
}
