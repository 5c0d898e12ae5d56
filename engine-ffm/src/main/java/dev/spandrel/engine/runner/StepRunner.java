package dev.spandrel.engine.runner;

import dev.spandrel.engine.scheduler.ScheduledBatch;

/** What a step does with the model; {@link ModelRunner} outside tests. */
interface StepRunner {
    /**
     * The forward pass; afterwards keys and values of the batch's tokens are in the cache. Tokens whose ids are not known are
     * those of the last {@link #draw}.
     */
    void forward(ScheduledBatch batch);

    /**
     * Begins to draw a token after {@link #forward} for each request of the batch that samples, unless it {@link
     * LiveRequest#isInStep left}; {@link #drawn} waits for them.
     *
     * @return false where nothing is drawn so, and each request is to be looked at: {@link #sample}, {@link #score}, {@link #pool}
     */
    default boolean draw(ScheduledBatch batch) {
        return false;
    }

    /** A token of the last {@link #draw}, in the order of the batch; waits until it is there. */
    default int drawn(int index) {
        throw new UnsupportedOperationException("this runner draws each token by itself");
    }

    /**
     * Whether {@link #forward} and {@link #draw} only set work going, so that the next pass may be asked for before tokens are
     * read.
     */
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
