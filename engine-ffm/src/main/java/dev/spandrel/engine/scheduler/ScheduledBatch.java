package dev.spandrel.engine.scheduler;

import java.util.ArrayList;
import java.util.List;

/** The sequences of one step and how many tokens each computes. Reused; valid until the next {@code schedule}. */
public final class ScheduledBatch {
    private final List<Sequence> sequences = new ArrayList<>();
    private final List<Sequence> admitted = new ArrayList<>();
    private final List<Sequence> preempted = new ArrayList<>();
    private int[] tokenCounts = new int[16];
    private int[] logitRows = new int[16];
    private int tokens;
    private int rows;

    void clear() {
        sequences.clear();
        admitted.clear();
        preempted.clear();
        tokens = 0;
        rows = 0;
    }

    void add(Sequence sequence, int tokenCount) {
        if (sequences.size() == tokenCounts.length) {
            tokenCounts = java.util.Arrays.copyOf(tokenCounts, 2 * tokenCounts.length);
            logitRows = java.util.Arrays.copyOf(logitRows, tokenCounts.length);
        }
        int sampling = Math.max(0, sequence.computed() + tokenCount - sequence.length() + 1);
        logitRows[sequences.size()] = sequence.scoresPrompt() ? tokenCount : sampling;
        rows += logitRows[sequences.size()];
        tokenCounts[sequences.size()] = tokenCount;
        sequences.add(sequence);
        tokens += tokenCount;
    }

    /** Takes a sequence out again that lost its blocks to one behind it in this very step. */
    void remove(Sequence sequence) {
        int at = sequences.indexOf(sequence);
        if (at >= 0) {
            tokens -= tokenCounts[at];
            rows -= logitRows[at];
            System.arraycopy(tokenCounts, at + 1, tokenCounts, at, sequences.size() - at - 1);
            System.arraycopy(logitRows, at + 1, logitRows, at, sequences.size() - at - 1);
            sequences.remove(at);
        }
    }

    void noteAdmitted(Sequence sequence) {
        admitted.add(sequence);
    }

    void notePreempted(Sequence sequence) {
        preempted.add(sequence);
    }

    public boolean isEmpty() {
        return sequences.isEmpty();
    }

    /** Sequences in the step, running ones first. */
    public List<Sequence> sequences() {
        return sequences;
    }

    /** Tokens that the sequence at {@code index} computes in the step. */
    public int tokenCount(int index) {
        return tokenCounts[index];
    }

    /** Tokens in all. */
    public int tokens() {
        return tokens;
    }

    /** Sequences that came from waiting in this step. */
    public List<Sequence> admitted() {
        return admitted;
    }

    /** Sequences that went back to waiting in this step. */
    public List<Sequence> preempted() {
        return preempted;
    }

    /** Rows with logits in all. */
    int logitRows() {
        return rows;
    }

    /** Whether the sequence at {@code index} has all its tokens computed after the step, and so yields a new one. */
    public boolean samples(int index) {
        return samplingRows(index) > 0;
    }

    /** Rows of the sequence at {@code index} from which tokens are sampled: that of its last token and those of its draft. */
    public int samplingRows(int index) {
        Sequence sequence = sequences.get(index);
        return Math.max(0, sequence.computed() + tokenCounts[index] - sequence.length() + 1);
    }

    /** Last rows of the sequence at {@code index} that need logits: those it samples from, or all where it scores a prompt. */
    public int logitRows(int index) {
        return logitRows[index];
    }
}
