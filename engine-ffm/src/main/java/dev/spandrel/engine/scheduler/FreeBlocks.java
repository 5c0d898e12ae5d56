package dev.spandrel.engine.scheduler;

/**
 * The blocks nobody holds, as a doubly linked list over arrays: taken from the front, put back in front (content worthless)
 * or behind (content worth keeping), and taken out of the middle when somebody finds the content again. So what is evicted
 * is what was used least recently.
 */
final class FreeBlocks {
    private final int[] next;
    private final int[] previous;
    private final int end;
    private int count;

    /** All of {@code blocks} blocks are free at first, in order. */
    FreeBlocks(int blocks) {
        end = blocks;
        next = new int[blocks + 1];
        previous = new int[blocks + 1];
        next[end] = end;
        previous[end] = end;
        for (int block = 0; block < blocks; block++) {
            addLast(block);
        }
    }

    int count() {
        return count;
    }

    int removeFirst() {
        int block = next[end];
        if (block == end) {
            throw new IllegalStateException("no free block");
        }
        remove(block);
        return block;
    }

    void remove(int block) {
        next[previous[block]] = next[block];
        previous[next[block]] = previous[block];
        count--;
    }

    void addFirst(int block) {
        insert(block, end, next[end]);
    }

    void addLast(int block) {
        insert(block, previous[end], end);
    }

    private void insert(int block, int before, int after) {
        next[before] = block;
        previous[block] = before;
        next[block] = after;
        previous[after] = block;
        count++;
    }
}
