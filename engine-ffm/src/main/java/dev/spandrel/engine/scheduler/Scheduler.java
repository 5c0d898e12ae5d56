package dev.spandrel.engine.scheduler;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/**
 * Continuous batching by vLLM V1's rules: no phases, a token budget per step, sequences that run first, prompts in chunks
 * that fill what is left of the budget. A sequence is admitted when blocks for its whole prompt are free; when blocks run
 * out later, the last by the policy gives up its own and computes again from what the cache still has (preemption by
 * recompute).
 */
public final class Scheduler {
    private final SchedulerConfig config;
    private final BlockManager blocks;
    /** In the policy's order; under first come, first served those that were preempted come first by nature. */
    private final TreeSet<Sequence> waiting;

    private final List<Sequence> running = new ArrayList<>();
    private final ScheduledBatch batch = new ScheduledBatch();
    /** The running ones as a step finds them; the list itself changes when somebody gives way. */
    private final List<Sequence> order = new ArrayList<>();

    private final FaultPoint faults;
    /** The sequence at hand, which an exception would leave between two places. */
    private Sequence current;

    /** A scheduler that nobody disturbs. */
    public Scheduler(SchedulerConfig config, BlockManager blocks) {
        this(config, blocks, FaultPoint.NONE);
    }

    /** @param blocks the pool */
    public Scheduler(SchedulerConfig config, BlockManager blocks, FaultPoint faults) {
        this.config = config;
        this.blocks = blocks;
        this.faults = faults;
        waiting = new TreeSet<>(config.policy());
    }

    /**
     * Takes a sequence into the queue.
     *
     * @throws IllegalArgumentException when even the empty pool could not hold it at its longest; refuse such at the door
     */
    public void add(Sequence sequence) {
        current = sequence;
        // The last token is never fed back, so its key and value are never stored.
        if (blocks.blocksFor(sequence.maxLength() - 1) > blocks.totalBlocks()) {
            throw new IllegalArgumentException("a sequence of " + sequence.maxLength() + " tokens does not fit "
                    + blocks.totalBlocks() + " blocks of " + blocks.blockSize());
        }
        waiting.add(sequence);
        current = null;
    }

    /** Chooses the next step; an empty batch when nothing can run. */
    public ScheduledBatch schedule() {
        batch.clear();
        scheduleRunning();
        if (batch.preempted().isEmpty()) {
            scheduleWaiting();
        }
        current = null;
        return batch;
    }

    private int budget() {
        return config.maxNumBatchedTokens() - batch.tokens();
    }

    /** Sequences that run: first one token each of those that decode, then the rests of prompts. */
    private void scheduleRunning() {
        order.clear();
        order.addAll(running);
        for (boolean prefill : new boolean[] {false, true}) {
            for (Sequence sequence : order) {
                boolean inPrompt = sequence.length() - sequence.computed() > 1;
                // Whoever gave way to another in this step runs no more.
                if (sequence.state() == Sequence.State.RUNNING
                        && !sequence.isHeld()
                        && inPrompt == prefill
                        && budget() > 0) {
                    int count = chunk(sequence);
                    if (count > 0) {
                        fit(sequence, count);
                    }
                }
            }
        }
    }

    /** Puts a running sequence into the step, unless it has to give way itself. */
    private void fit(Sequence sequence, int count) {
        current = sequence;
        faults.pass("extend");
        // A draft is a guess: it may use what is left, nobody gives way for it.
        sequence.shortenDraft(Math.max(0, budget() - count));
        int drafted = count + sequence.draftLength();
        if (drafted > count && blocks.extend(sequence, sequence.computed() + drafted)) {
            batch.add(sequence, drafted);
            return;
        }
        sequence.shortenDraft(0);
        while (!blocks.extend(sequence, sequence.computed() + count)) {
            Sequence victim = lastByPolicy();
            preempt(victim);
            if (victim == sequence) {
                return;
            }
        }
        batch.add(sequence, count);
    }

    private Sequence lastByPolicy() {
        Sequence last = running.getFirst();
        for (Sequence sequence : running) {
            if (config.policy().compare(sequence, last) > 0) {
                last = sequence;
            }
        }
        return last;
    }

    private int chunk(Sequence sequence) {
        int missing = sequence.length() - sequence.computed();
        int most = Math.min(Math.min(missing, config.mostPrefill(sequence.computed())), budget());
        return sequence.scoresPrompt() ? Math.min(most, logitRowsFor(sequence)) : most;
    }

    /** Rows with logits that are left when every other running sequence gets those it may need to sample. */
    private int logitRowsFor(Sequence sequence) {
        if (config.logitRows().most() >= config.maxNumBatchedTokens()) {
            return Integer.MAX_VALUE;
        }
        int others = running.size() - batch.sequences().size() - (running.contains(sequence) ? 1 : 0);
        long kept = (long) Math.max(0, others) * config.logitRows().perSequence();
        return (int) Math.max(0, config.logitRows().most() - batch.logitRows() - kept);
    }

    /** Sequences that wait, in order; the first that does not fit ends it, so nobody is overtaken but who is held. */
    private void scheduleWaiting() {
        while (budget() > 0 && running.size() < config.maxNumSeqs()) {
            Sequence sequence = firstWaiting();
            if (sequence == null) {
                return;
            }
            current = sequence;
            if (logitRowsFor(sequence) < config.logitRows().perSequence()) {
                return;
            }
            faults.pass("admit");
            int cached = blocks.admit(sequence);
            if (cached < 0) {
                return;
            }
            faults.pass("admitted");
            waiting.remove(sequence);
            sequence.foundCached(cached);
            sequence.become(Sequence.State.RUNNING);
            running.add(sequence);
            batch.add(sequence, chunk(sequence));
            batch.noteAdmitted(sequence);
        }
    }

    private Sequence firstWaiting() {
        for (Sequence sequence : waiting) {
            if (!sequence.isHeld()) {
                return sequence;
            }
        }
        return null;
    }

    private void preempt(Sequence victim) {
        faults.pass("preempt");
        // What can fail comes first, so that the victim is never in neither place.
        waiting.add(victim);
        batch.notePreempted(victim);
        running.remove(victim);
        batch.remove(victim);
        blocks.free(victim);
        victim.become(Sequence.State.PREEMPTED);
    }

    /**
     * Books a step as computed, drafts excepted, which count when they are accepted; call it once after the forward pass,
     * before tokens are appended. Who has left it since, or must not go on from it, has computed nothing.
     */
    public void advance(ScheduledBatch step) {
        for (int i = 0; i < step.sequences().size(); i++) {
            faults.pass("advance");
            Sequence sequence = step.sequences().get(i);
            if (sequence.state() != Sequence.State.RUNNING || sequence.isHeld()) {
                continue;
            }
            sequence.advance(Math.min(step.tokenCount(i), sequence.length() - sequence.computed()));
            blocks.register(sequence);
        }
    }

    /** Forgets the step, so that whatever fails before the next one concerns nobody in it. */
    public void done() {
        batch.clear();
    }

    /** Ends a sequence wherever it stands and takes its blocks back; harmless when it has ended before. */
    public void finish(Sequence sequence) {
        if (sequence.state() == Sequence.State.FINISHED) {
            return;
        }
        // Both, since a step that failed may have left it in either.
        running.remove(sequence);
        waiting.remove(sequence);
        blocks.free(sequence);
        sequence.become(Sequence.State.FINISHED);
    }

    /**
     * Whom a step concerns that threw: those scheduled so far and the one at hand, in a list of its own. Those that were
     * preempted in it have lost nothing but time.
     */
    public List<Sequence> concerned() {
        List<Sequence> concerned = new ArrayList<>(batch.sequences());
        if (current != null && !concerned.contains(current)) {
            concerned.add(current);
        }
        current = null;
        batch.clear();
        return concerned;
    }

    /** Every sequence that has not finished, in a list of its own. */
    public List<Sequence> all() {
        List<Sequence> all = new ArrayList<>(running);
        all.addAll(waiting);
        return all;
    }

    /** Sequences that hold blocks, in order of admission. */
    public List<Sequence> running() {
        return running;
    }

    /** Sequences in the queue, preempted ones included. */
    public int waitingCount() {
        return waiting.size();
    }

    /** Sequences in the queue that were in a step before. */
    public int preemptedCount() {
        int count = 0;
        for (Sequence sequence : waiting) {
            count += sequence.state() == Sequence.State.PREEMPTED ? 1 : 0;
        }
        return count;
    }

    public boolean isIdle() {
        return running.isEmpty() && waiting.isEmpty();
    }
}
