package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.AttentionMetadata;

/**
 * What goes into one pass: the tokens of all sequences one after another, who attends to what, and which rows need
 * logits. Reused between steps; {@link #clear}, then {@link #add} once per sequence.
 */
public final class ForwardInput {
    private final int[] tokenIds;
    private final AttentionMetadata metadata;
    private final int[] logitRows;
    private int logitRowCount;

    /**
     * @param maxTokens most tokens in a step
     * @param maxSequences most sequences in a step
     * @param maxLogitRows most rows with logits in a step
     * @param blockSize tokens per KV block
     */
    public ForwardInput(int maxTokens, int maxSequences, int maxLogitRows, int blockSize) {
        tokenIds = new int[maxTokens];
        metadata = new AttentionMetadata(maxTokens, maxSequences, blockSize);
        logitRows = new int[maxLogitRows];
    }

    /** Forgets the last step. */
    public void clear() {
        metadata.clear();
        logitRowCount = 0;
    }

    /**
     * Adds a stretch of one sequence.
     *
     * @param tokens all tokens of the sequence so far
     * @param from first to compute
     * @param to one past the last to compute
     * @param blockTable its KV blocks, covering {@code to} tokens
     * @param logits how many of the last rows need logits: 0 inside a prompt, 1 to sample, more to score a prompt
     */
    public void add(int[] tokens, int from, int to, int[] blockTable, int logits) {
        int first = metadata.tokenCount();
        System.arraycopy(tokens, from, tokenIds, first, to - from);
        metadata.add(blockTable, from, to);
        for (int row = metadata.tokenCount() - logits; row < metadata.tokenCount(); row++) {
            logitRows[logitRowCount++] = row;
        }
    }

    /** Token ids; the first {@code metadata.tokenCount} count. */
    public int[] tokenIds() {
        return tokenIds;
    }

    public AttentionMetadata metadata() {
        return metadata;
    }

    /** Rows that need logits, ascending; the first {@link #logitRowCount} count. */
    public int[] logitRows() {
        return logitRows;
    }

    public int logitRowCount() {
        return logitRowCount;
    }
}
