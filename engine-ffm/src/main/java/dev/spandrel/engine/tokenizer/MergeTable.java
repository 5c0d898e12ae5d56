package dev.spandrel.engine.tokenizer;

import java.util.Arrays;

/**
 * The merges of a BPE model: rank and resulting id by pair of ids. An open-addressed table over primitives, since this
 * look-up is most of what encoding does.
 */
final class MergeTable {
    private static final int NONE = -1;

    private final long[] pairs;
    private final int[] ranks;
    private final int[] results;
    private final int mask;

    /** @param capacity most merges that will be put */
    MergeTable(int capacity) {
        // At most half full, so that a miss, the common case, ends soon.
        int slots = Integer.highestOneBit(Math.max(4, capacity)) << 2;
        pairs = new long[slots];
        ranks = new int[slots];
        results = new int[capacity];
        mask = slots - 1;
        Arrays.fill(ranks, NONE);
    }

    /** A pair put twice has its later rank, as in Hugging Face's tokenizers. */
    void put(int left, int right, int rank, int result) {
        int slot = slot(left, right);
        pairs[slot] = pair(left, right);
        ranks[slot] = rank;
        results[rank] = result;
    }

    /** The rank of merging two neighbours, or −1. */
    int rank(int left, int right) {
        return ranks[slot(left, right)];
    }

    /** The id a merge of this rank gives. */
    int result(int rank) {
        return results[rank];
    }

    private int slot(int left, int right) {
        long pair = pair(left, right);
        // Fibonacci hashing: neighbouring ids spread over the table.
        int slot = (int) ((pair * 0x9E3779B97F4A7C15L) >>> 32) & mask;
        while (ranks[slot] != NONE && pairs[slot] != pair) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private static long pair(int left, int right) {
        return (long) left << 32 | right;
    }
}
