package dev.spandrel.engine.scheduler;

import java.util.Arrays;

/**
 * One request as the scheduler sees it: its tokens so far, how many of them have keys and values, and the blocks those
 * lie in. The engine thread alone changes it; the token array may be read by others up to a count they were told.
 */
public class Sequence {
    /** Where a sequence stands. */
    public enum State {
        /** Not yet in a batch. */
        WAITING,
        /** In the batch, holding blocks. */
        RUNNING,
        /** Lost its blocks to another one; waits first in line to compute everything again. */
        PREEMPTED,
        /** Done, blocks returned. */
        FINISHED
    }

    private final long id;
    private final int promptLength;
    private final int maxLength;
    private int[] tokens;
    private int length;
    private int computed;
    private int[] blocks = new int[4];
    private int blockCount;
    private State state = State.WAITING;

    /**
     * @param id unique while the sequence lives
     * @param prompt its first tokens, at least one
     * @param maxLength tokens after which it ends: prompt plus output
     */
    public Sequence(long id, int[] prompt, int maxLength) {
        if (prompt.length < 1 || maxLength <= prompt.length) {
            throw new IllegalArgumentException(
                    "a sequence needs a prompt and room for a token: prompt " + prompt.length + ", most " + maxLength);
        }
        this.id = id;
        this.promptLength = prompt.length;
        this.maxLength = maxLength;
        // Room for some output at once; doubled when it is used up, never beyond what the sequence may reach.
        this.tokens = Arrays.copyOf(prompt, Math.min(maxLength, prompt.length + 64));
        this.length = prompt.length;
    }

    public final long id() {
        return id;
    }

    /** Tokens of the prompt. */
    public final int promptLength() {
        return promptLength;
    }

    /** Tokens in all, generated ones included. */
    public final int length() {
        return length;
    }

    /** Tokens generated. */
    public final int generated() {
        return length - promptLength;
    }

    /** Tokens after which it ends. */
    public final int maxLength() {
        return maxLength;
    }

    /** All tokens; the first {@link #length} count. */
    public final int[] tokens() {
        return tokens;
    }

    /** Tokens whose keys and values are in the cache. */
    public final int computed() {
        return computed;
    }

    /** Block numbers in order; the first {@link #blockCount} count. */
    public final int[] blocks() {
        return blocks;
    }

    public final int blockCount() {
        return blockCount;
    }

    public final State state() {
        return state;
    }

    /** Takes over a sampled token. */
    public void append(int token) {
        if (length == tokens.length) {
            tokens = Arrays.copyOf(tokens, (int) Math.min(maxLength, 2L * tokens.length));
        }
        tokens[length++] = token;
    }

    final void addBlock(int block) {
        if (blockCount == blocks.length) {
            blocks = Arrays.copyOf(blocks, 2 * blockCount);
        }
        blocks[blockCount++] = block;
    }

    final void forgetBlocks() {
        blockCount = 0;
        computed = 0;
    }

    final void advance(int tokenCount) {
        computed += tokenCount;
    }

    final void become(State next) {
        state = next;
    }
}
