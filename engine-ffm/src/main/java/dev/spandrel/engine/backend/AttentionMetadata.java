package dev.spandrel.engine.backend;

/**
 * Who attends to what in one step. Tokens of all sequences lie one after another; token {@code t} of the step stands at
 * {@code positions[t]} of sequence {@code sequenceOf[t]}, sees that sequence's positions 0 to its own, and its key and
 * value go to {@code slots[t]}. Arrays are reused between steps and may be longer than what counts.
 */
public final class AttentionMetadata {
    private final int blockSize;
    private int tokenCount;
    private int sequenceCount;
    private final int[] positions;
    private final int[] sequenceOf;
    private final int[] slots;
    private final int[][] blockTables;

    /**
     * @param maxTokens most tokens in a step
     * @param maxSequences most sequences in a step
     * @param blockSize tokens per KV block
     */
    public AttentionMetadata(int maxTokens, int maxSequences, int blockSize) {
        this.blockSize = blockSize;
        positions = new int[maxTokens];
        sequenceOf = new int[maxTokens];
        slots = new int[maxTokens];
        blockTables = new int[maxSequences][];
    }

    /** Forgets the last step. */
    public void clear() {
        tokenCount = 0;
        java.util.Arrays.fill(blockTables, 0, sequenceCount, null);
        sequenceCount = 0;
    }

    /**
     * Adds tokens {@code from} to {@code to − 1} of a sequence.
     *
     * @param blockTable block numbers of the sequence in order, covering at least {@code to} tokens; kept, not copied
     */
    public void add(int[] blockTable, int from, int to) {
        blockTables[sequenceCount] = blockTable;
        for (int position = from; position < to; position++) {
            positions[tokenCount] = position;
            sequenceOf[tokenCount] = sequenceCount;
            slots[tokenCount] = blockTable[position / blockSize] * blockSize + position % blockSize;
            tokenCount++;
        }
        sequenceCount++;
    }

    /** Tokens in the step. */
    public int tokenCount() {
        return tokenCount;
    }

    /** Sequences in the step. */
    public int sequenceCount() {
        return sequenceCount;
    }

    /** Most sequences that a step may have. */
    public int maxSequences() {
        return blockTables.length;
    }

    /** Number of the sequence a token belongs to, in the order they were added. */
    public int sequenceOf(int token) {
        return sequenceOf[token];
    }

    /** Tokens per KV block. */
    public int blockSize() {
        return blockSize;
    }

    /** Position of a token in its sequence, from 0. */
    public int position(int token) {
        return positions[token];
    }

    /** All positions; the first {@link #tokenCount} count. */
    public int[] positions() {
        return positions;
    }

    /** Where a token's key and value go: block number × block size + offset. */
    public int slot(int token) {
        return slots[token];
    }

    /** Block numbers of the sequence a token belongs to. */
    public int[] blockTable(int token) {
        return blockTables[sequenceOf[token]];
    }
}
