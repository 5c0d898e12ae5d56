package dev.spandrel.engine.runner;

import dev.spandrel.engine.scheduler.ScheduledBatch;

/** What a step does with the model; {@link ModelRunner} outside tests. */
interface StepRunner {
    /** The forward pass; afterwards keys and values of the batch's tokens are in the cache. */
    void forward(ScheduledBatch batch);

    /** Whether {@link #forward} only sets the pass going, and {@link #sample} waits for it. */
    default boolean runsAhead() {
        return false;
    }

    /**
     * Notes the log probabilities of a prompt's token after {@link #forward}.
     *
     * @param logitRow the row among all rows with logits, of the token before it
     * @param index of the token in the prompt, at least 1
     */
    void score(LiveRequest request, int logitRow, int index);

    /**
     * Collects hidden states after {@link #forward}.
     *
     * @param firstRow the first of its rows among all rows with logits
     * @param rows its last rows in the step
     * @param index of the first of them in the prompt
     */
    void pool(LiveRequest request, int firstRow, int rows, int index);

    /**
     * Samples a token after {@link #forward}.
     *
     * @param logitRow the row among all rows with logits
     * @param position number of the token in the request's output
     */
    int sample(LiveRequest request, int logitRow, int position);
}
