package dev.spandrel.engine.scheduler;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

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
    /** Volatile, since a reader may look while the array is replaced by a longer copy. */
    private volatile int[] tokens;

    private int length;
    private int draftLength;
    private boolean unknown;
    private int computed;
    private int[] blocks = new int[4];
    private int blockCount;
    private final List<BlockHash> blockHashes = new ArrayList<>();
    private int registeredBlocks;
    private int cachedTokens;
    private final Standing standing;
    private State state = State.WAITING;

    /**
     * What decides who comes first, and who may share with whom.
     *
     * @param priority smaller is sooner; looked at under the priority policy only
     * @param arrivalMillis when it came, on any clock that grows
     * @param salt sequences share cached beginnings only with those of the same salt; empty for none
     */
    public record Standing(int priority, long arrivalMillis, byte[] salt) {
        /** Nothing special. */
        public static final Standing PLAIN = new Standing(0, 0, new byte[0]);
    }

    /** A sequence of plain standing. */
    public Sequence(long id, int[] prompt, int maxLength) {
        this(id, prompt, maxLength, Standing.PLAIN);
    }

    /**
     * @param id unique while the sequence lives, larger for later ones
     * @param prompt its first tokens, at least one
     * @param maxLength tokens after which it ends: prompt plus output
     */
    public Sequence(long id, int[] prompt, int maxLength, Standing standing) {
        if (prompt.length < 1 || maxLength <= prompt.length) {
            throw new IllegalArgumentException(
                    "a sequence needs a prompt and room for a token: prompt " + prompt.length + ", most " + maxLength);
        }
        this.id = id;
        this.promptLength = prompt.length;
        this.maxLength = maxLength;
        this.standing = standing;
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

    /** Tokens generated, one whose id is not known included. */
    public final int generated() {
        return length - promptLength;
    }

    /** Tokens generated whose ids are known. */
    public final int known() {
        return generated() - (unknown ? 1 : 0);
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

    /** Tokens whose keys and values were found in the cache when it was last admitted. */
    public final int cachedTokens() {
        return cachedTokens;
    }

    final int priority() {
        return standing.priority;
    }

    final long arrivalMillis() {
        return standing.arrivalMillis;
    }

    final byte[] salt() {
        return standing.salt;
    }

    /**
     * Whether logits are needed for tokens of the prompt, not only for the last. While they are, no cached block is used and
     * a step computes no more tokens than there are rows for logits.
     */
    public boolean scoresPrompt() {
        return false;
    }

    /**
     * Whether it has to stay out of steps for now, wherever it stands; what it holds it keeps. So it is where its last token was
     * drawn and only the id is missing.
     */
    public boolean isHeld() {
        return unknown && length == maxLength;
    }

    /** Takes over a sampled token; any draft is over. */
    public void append(int token) {
        reserveTokens(1);
        tokens[length++] = token;
        draftLength = 0;
    }

    /**
     * Takes over a token that was drawn and whose id is still on its way: it can be scheduled, and computed where the id is. Block
     * hashes never reach it: a block is registered when it is computed, and by then the step before has told its ids.
     *
     * @param place number of the token among those drawn in its step; the id is −1 − place until {@link #learn}
     */
    public final void appendUnknown(int place) {
        reserveTokens(1);
        tokens[length++] = -1 - place;
        draftLength = 0;
        unknown = true;
    }

    /** The id of the last token, which was unknown. */
    public final void learn(int token) {
        tokens[length - 1] = token;
        unknown = false;
    }

    /** Whether the last token's id is on its way. */
    public final boolean isUnknown() {
        return unknown;
    }

    /** Puts a draft behind the tokens, to be computed with them and then accepted or not. */
    final void draft(int[] draft, int count) {
        reserveTokens(count);
        System.arraycopy(draft, 0, tokens, length, count);
        draftLength = count;
    }

    /** Keeps the first {@code count} tokens of the draft. */
    final void shortenDraft(int count) {
        draftLength = Math.min(draftLength, count);
    }

    /** Tokens of the draft. */
    public final int draftLength() {
        return draftLength;
    }

    /** Whether a sampled token is what the draft said. */
    public final boolean drafted(int token) {
        return draftLength > 0 && tokens[length] == token;
    }

    /** Takes over the draft's first token: its key and value are computed already. */
    public final void acceptDrafted() {
        length++;
        draftLength--;
        computed++;
    }

    private void reserveTokens(int count) {
        if (length + count > tokens.length) {
            int wanted = (int) Math.min(maxLength, 2L * tokens.length);
            tokens = Arrays.copyOf(tokens, Math.max(wanted, length + count));
        }
    }

    /** Makes room for more blocks. */
    final void reserveBlocks(int count) {
        if (blockCount + count > blocks.length) {
            blocks = Arrays.copyOf(blocks, Math.max(blockCount + count, 2 * blocks.length));
        }
    }

    /** Takes a block into the room reserved for it. */
    final void addBlock(int block) {
        blocks[blockCount++] = block;
    }

    final void forgetBlocks() {
        draftLength = 0;
        blockCount = 0;
        registeredBlocks = 0;
        computed = 0;
    }

    /** Hash of a full block and all before it; tokens never change, so it is made once. */
    final BlockHash blockHash(int index) {
        return blockHashes.get(index);
    }

    final int blockHashCount() {
        return blockHashes.size();
    }

    final void addBlockHash(BlockHash hash) {
        blockHashes.add(hash);
    }

    /** Full blocks that the cache knows, or was offered. */
    final int registeredBlocks() {
        return registeredBlocks;
    }

    final void registered(int blocks) {
        registeredBlocks = blocks;
    }

    final void foundCached(int tokenCount) {
        cachedTokens = tokenCount;
    }

    final void advance(int tokenCount) {
        computed += tokenCount;
    }

    final void become(State next) {
        state = next;
    }
}
