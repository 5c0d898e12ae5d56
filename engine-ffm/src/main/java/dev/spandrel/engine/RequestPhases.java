package dev.spandrel.engine;

import java.util.List;

/**
 * Where a request's time went, finer than {@link RequestTimings} and by the same clock: readings of the engine's monotonic
 * clock in nanoseconds, {@link RequestTimings#NOT_REACHED} for a point it never came to.
 *
 * @param tokenizeStartNanos before the prompt was rendered and tokenised
 * @param tokenizeEndNanos after it, which is when it was queued
 * @param waits one per stay in the queue: the first, and one more after each preemption
 * @param prefillChunks steps that computed tokens of the prompt, or computed again what a preemption had lost
 * @param schedulerNanos scheduling of the steps it was in, summed
 * @param forwardNanos forward passes of the steps it was in, summed
 * @param executeNanos forward passes, sampling and bookkeeping of the steps it was in, summed
 * @param truncated whether there were more waits and chunks than are kept
 */
public record RequestPhases(
        long tokenizeStartNanos,
        long tokenizeEndNanos,
        List<Wait> waits,
        List<PrefillChunk> prefillChunks,
        long schedulerNanos,
        long forwardNanos,
        long executeNanos,
        boolean truncated) {
    public RequestPhases {
        waits = List.copyOf(waits);
        prefillChunks = List.copyOf(prefillChunks);
    }

    /**
     * A stay in the queue.
     *
     * @param fromNanos queued, or preempted
     * @param toNanos in a step, or {@link RequestTimings#NOT_REACHED} when it ended waiting
     * @param cachedTokens tokens whose keys and values were found in the cache when it left the queue
     */
    public record Wait(long fromNanos, long toNanos, int cachedTokens) {}

    /**
     * One step's share of a prefill.
     *
     * @param step the index of {@link StepRecord}
     * @param startNanos before the forward pass
     * @param endNanos after sampling and bookkeeping
     * @param tokens tokens computed
     * @param sampled whether the step sampled a token, which ends the prefill
     */
    public record PrefillChunk(long step, long startNanos, long endNanos, int tokens, boolean sampled) {}
}
