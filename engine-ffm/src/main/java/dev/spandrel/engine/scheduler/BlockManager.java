package dev.spandrel.engine.scheduler;

/**
 * Hands KV blocks to sequences and takes them back. A freed block is the next one handed out, so that the cache's hot part
 * stays small.
 */
public final class BlockManager {
    private final int blockSize;
    private final int[] free;
    private int freeCount;

    /**
     * @param blocks blocks in the pool
     * @param blockSize tokens per block
     */
    public BlockManager(int blocks, int blockSize) {
        this.blockSize = blockSize;
        free = new int[blocks];
        for (int i = 0; i < blocks; i++) {
            free[i] = blocks - 1 - i;
        }
        freeCount = blocks;
    }

    public int totalBlocks() {
        return free.length;
    }

    public int freeBlocks() {
        return freeCount;
    }

    public int usedBlocks() {
        return free.length - freeCount;
    }

    public int blockSize() {
        return blockSize;
    }

    /** Blocks that hold {@code tokens} tokens. */
    public int blocksFor(int tokens) {
        return (tokens + blockSize - 1) / blockSize;
    }

    /** Whether the free blocks could hold {@code tokens} tokens of a new sequence. */
    public boolean canHold(int tokens) {
        return blocksFor(tokens) <= freeCount;
    }

    /**
     * Gives a sequence blocks for its first {@code tokens} tokens.
     *
     * @return false, with nothing changed, when there are not enough
     */
    public boolean allocate(Sequence sequence, int tokens) {
        int missing = blocksFor(tokens) - sequence.blockCount();
        if (missing > freeCount) {
            return false;
        }
        for (int i = 0; i < missing; i++) {
            sequence.addBlock(free[--freeCount]);
        }
        return true;
    }

    /** Takes all blocks of a sequence back; the last first, so that its beginning is handed out first. */
    public void free(Sequence sequence) {
        for (int i = sequence.blockCount() - 1; i >= 0; i--) {
            free[freeCount++] = sequence.blocks()[i];
        }
        sequence.forgetBlocks();
    }
}
