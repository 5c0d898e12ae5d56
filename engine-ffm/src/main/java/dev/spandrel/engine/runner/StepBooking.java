package dev.spandrel.engine.runner;

import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What is kept of a step until its tokens are there: who was in it and computed how much, and when it came how far. The batch
 * itself is gone by then where the next step is scheduled meanwhile. Reused; the engine thread alone.
 */
final class StepBooking {
    private final List<LiveRequest> members = new ArrayList<>();
    private final List<LiveRequest> drawn = new ArrayList<>();
    private int[] tokenCounts = new int[16];
    private boolean[] samples = new boolean[16];
    private int promptTokens;
    private int preempted;
    private long start;
    private long scheduled;
    private long forward;

    /** A step is on its way; called before anything is appended, since that changes what the step was. */
    void open(ScheduledBatch batch, long start, long scheduled, long forward) {
        this.start = start;
        this.scheduled = scheduled;
        this.forward = forward;
        preempted = batch.preempted().size();
        promptTokens = 0;
        members.clear();
        drawn.clear();
        int size = batch.sequences().size();
        if (size > tokenCounts.length) {
            tokenCounts = new int[Math.max(size, 2 * tokenCounts.length)];
            samples = Arrays.copyOf(samples, tokenCounts.length);
        }
        for (int i = 0; i < size; i++) {
            Sequence sequence = batch.sequences().get(i);
            members.add((LiveRequest) sequence);
            tokenCounts[i] = batch.tokenCount(i);
            samples[i] = batch.samples(i);
            // The others are generated ones, fed back or drafted.
            promptTokens += Math.clamp(sequence.promptLength() - sequence.computed(), 0, tokenCounts[i]);
        }
    }

    /** All who were scheduled in it, in order. */
    List<LiveRequest> members() {
        return members;
    }

    /** Whose tokens are drawn and not read, in the order of the draws; kept by who has them drawn. */
    List<LiveRequest> drawn() {
        return drawn;
    }

    /**
     * Its tokens are there: books it with each request that is still alive, and sums it up.
     *
     * @param before when the step before it had its tokens: what came earlier kept nobody waiting and counts as nothing
     */
    StepRecord close(long index, long before, long end, int sampled, Optional<StepDetail> detail) {
        long began = Math.max(start, before);
        long left = Math.max(scheduled, before);
        long enqueued = Math.max(forward, before);
        for (int i = 0; i < members.size(); i++) {
            LiveRequest request = members.get(i);
            if (request.ending() == null) {
                request.log().step(began, left, enqueued, end);
                request.log().computed(index, tokenCounts[i], samples[i]);
            }
        }
        return new StepRecord(
                index, began, left, enqueued, end, members.size(), promptTokens, sampled, preempted, detail);
    }
}
