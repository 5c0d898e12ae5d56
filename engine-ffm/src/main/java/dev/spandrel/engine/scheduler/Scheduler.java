package dev.spandrel.engine.scheduler;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Continuous batching by vLLM V1's rules: no phases, a token budget per step, sequences that run first, prompts in chunks
 * that fill what is left of the budget, first come first served. A sequence is admitted when blocks for its whole prompt
 * are free; when blocks run out later, the last admitted one gives up its own and computes again from the start
 * (preemption by recompute).
 */
public final class Scheduler {
    private final int maxNumSeqs;
    private final int maxNumBatchedTokens;
    private final BlockManager blocks;
    private final Deque<Sequence> waiting = new ArrayDeque<>();
    private final List<Sequence> running = new ArrayList<>();
    private final ScheduledBatch batch = new ScheduledBatch();

    /**
     * @param maxNumSeqs most sequences in a step
     * @param maxNumBatchedTokens token budget of a step
     * @param blocks the pool
     */
    public Scheduler(int maxNumSeqs, int maxNumBatchedTokens, BlockManager blocks) {
        this.maxNumSeqs = maxNumSeqs;
        this.maxNumBatchedTokens = maxNumBatchedTokens;
        this.blocks = blocks;
    }

    /**
     * Takes a sequence into the queue.
     *
     * @throws IllegalArgumentException when even the empty pool could not hold it at its longest; refuse such at the door
     */
    public void add(Sequence sequence) {
        // The last token is never fed back, so its key and value are never stored.
        if (blocks.blocksFor(sequence.maxLength() - 1) > blocks.totalBlocks()) {
            throw new IllegalArgumentException("a sequence of " + sequence.maxLength() + " tokens does not fit "
                    + blocks.totalBlocks() + " blocks of " + blocks.blockSize());
        }
        waiting.addLast(sequence);
    }

    /** Chooses the next step; an empty batch when nothing can run. */
    public ScheduledBatch schedule() {
        batch.clear();
        int budget = scheduleRunning(maxNumBatchedTokens);
        if (batch.preempted().isEmpty()) {
            scheduleWaiting(budget);
        }
        return batch;
    }

    /** Sequences that run, oldest first: one token each to decode, the rest of the prompt to prefill. */
    private int scheduleRunning(int budget) {
        for (int i = 0; i < running.size() && budget > 0; i++) {
            Sequence sequence = running.get(i);
            int count = Math.min(sequence.length() - sequence.computed(), budget);
            while (!blocks.allocate(sequence, sequence.computed() + count)) {
                Sequence victim = running.getLast();
                preempt(victim);
                if (victim == sequence) {
                    return budget;
                }
            }
            batch.add(sequence, count);
            budget -= count;
        }
        return budget;
    }

    /** Sequences that wait, in order; the first that does not fit ends it, so nobody is overtaken. */
    private void scheduleWaiting(int budget) {
        while (!waiting.isEmpty() && budget > 0 && running.size() < maxNumSeqs) {
            Sequence sequence = waiting.peekFirst();
            if (!blocks.canHold(sequence.length())) {
                return;
            }
            waiting.removeFirst();
            int count = Math.min(sequence.length(), budget);
            // Reserved whole: a prompt admitted halfway could only push out those before it.
            blocks.allocate(sequence, sequence.length());
            sequence.become(Sequence.State.RUNNING);
            running.add(sequence);
            batch.add(sequence, count);
            batch.noteAdmitted(sequence);
            budget -= count;
        }
    }

    private void preempt(Sequence victim) {
        running.remove(victim);
        batch.remove(victim);
        batch.notePreempted(victim);
        blocks.free(victim);
        victim.become(Sequence.State.PREEMPTED);
        waiting.addFirst(victim);
    }

    /** Books a step as computed; call it once after the forward pass, before tokens are appended. */
    public void advance(ScheduledBatch step) {
        for (int i = 0; i < step.sequences().size(); i++) {
            step.sequences().get(i).advance(step.tokenCount(i));
        }
    }

    /** Ends a sequence wherever it stands and takes its blocks back; harmless when it has ended before. */
    public void finish(Sequence sequence) {
        if (sequence.state() == Sequence.State.FINISHED) {
            return;
        }
        if (sequence.state() == Sequence.State.RUNNING) {
            running.remove(sequence);
        } else {
            waiting.remove(sequence);
        }
        blocks.free(sequence);
        sequence.become(Sequence.State.FINISHED);
    }

    /** Every sequence that has not finished, in a list of its own. */
    public List<Sequence> all() {
        List<Sequence> all = new ArrayList<>(running);
        all.addAll(waiting);
        return all;
    }

    /** Sequences that hold blocks, oldest first. */
    public List<Sequence> running() {
        return running;
    }

    /** Sequences in the queue, preempted ones included. */
    public int waitingCount() {
        return waiting.size();
    }

    public boolean isIdle() {
        return running.isEmpty() && waiting.isEmpty();
    }
}
