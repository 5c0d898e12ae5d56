package dev.spandrel.engine.tokenizer;

import java.util.Arrays;

/**
 * Applies merges to one word after another: the lowest rank first, the leftmost of equals, until none is left. Candidates
 * wait in a heap and symbols in a linked list, so a word of n bytes takes n log n steps, however long. Keeps its memory
 * from word to word; one per call, not thread-safe.
 */
final class WordMerger {
    private static final int GONE = -1;

    private final MergeTable merges;
    private int[] symbols = new int[64];
    private int[] next = new int[64];
    private int[] previous = new int[64];
    private long[] heap = new long[64];
    private int heapSize;
    private int end;

    WordMerger(MergeTable merges) {
        this.merges = merges;
    }

    /**
     * @param word ids of the single bytes
     * @return the ids after all merges
     */
    int[] merge(int[] word) {
        int size = word.length;
        reset(word);
        for (int i = 0; i + 1 < size; i++) {
            offer(i);
        }
        while (heapSize > 0) {
            long candidate = poll();
            apply((int) candidate, (int) (candidate >>> 32));
        }
        int[] merged = new int[size];
        int count = 0;
        for (int i = 0; i < size; i = next[i]) {
            merged[count++] = symbols[i];
        }
        return Arrays.copyOf(merged, count);
    }

    private void reset(int[] word) {
        int size = word.length;
        if (symbols.length < size) {
            symbols = new int[size];
            next = new int[size];
            previous = new int[size];
        }
        System.arraycopy(word, 0, symbols, 0, size);
        for (int i = 0; i < size; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
        }
        end = size;
    }

    /** Merges the symbol at a position with its neighbour, unless an earlier merge has changed either. */
    private void apply(int at, int rank) {
        int right = next[at];
        if (symbols[at] == GONE || right == end) {
            return;
        }
        int current = merges.rank(symbols[at], symbols[right]);
        if (current < 0 || merges.result(current) != merges.result(rank)) {
            return;
        }
        symbols[at] = merges.result(rank);
        symbols[right] = GONE;
        next[at] = next[right];
        if (next[at] < end) {
            previous[next[at]] = at;
            offer(at);
        }
        if (previous[at] >= 0) {
            offer(previous[at]);
        }
    }

    /** Puts the merge of a symbol and its right neighbour on the heap, ordered by rank, then position. */
    private void offer(int at) {
        int rank = merges.rank(symbols[at], symbols[next[at]]);
        if (rank < 0) {
            return;
        }
        if (heapSize == heap.length) {
            heap = Arrays.copyOf(heap, heapSize * 2);
        }
        long candidate = (long) rank << 32 | at;
        int child = heapSize++;
        while (child > 0 && heap[(child - 1) / 2] > candidate) {
            heap[child] = heap[(child - 1) / 2];
            child = (child - 1) / 2;
        }
        heap[child] = candidate;
    }

    private long poll() {
        long least = heap[0];
        long moved = heap[--heapSize];
        int parent = 0;
        int child = 1;
        while (child < heapSize) {
            if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= moved) {
                break;
            }
            heap[parent] = heap[child];
            parent = child;
            child = 2 * parent + 1;
        }
        heap[parent] = moved;
        return least;
    }
}
