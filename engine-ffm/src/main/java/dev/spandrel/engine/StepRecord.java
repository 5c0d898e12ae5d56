package dev.spandrel.engine;

import java.util.Optional;

/**
 * One pass of the engine loop over the model: who was in it and where its time went. All times are readings of the
 * engine's monotonic clock in nanoseconds; between them lie scheduling, forward pass and sampling, in this order. Steps lie end
 * to end: where one was scheduled while a device still ran the one before, what lay before that one's end counts as its end.
 *
 * @param index counts steps from 0
 * @param startNanos before scheduling
 * @param scheduledNanos after scheduling, before the forward pass
 * @param forwardNanos after the forward pass, before sampling
 * @param endNanos after sampling and bookkeeping
 * @param sequences sequences in the step
 * @param promptTokens prompt tokens computed
 * @param generatedTokens tokens sampled
 * @param preempted sequences put back to waiting by this step's scheduling
 * @param detail where {@link StepListener#wantsDetail} asked for it
 */
public record StepRecord(
        long index,
        long startNanos,
        long scheduledNanos,
        long forwardNanos,
        long endNanos,
        int sequences,
        int promptTokens,
        int generatedTokens,
        int preempted,
        Optional<StepDetail> detail) {}
