package dev.spandrel.engine.sampling;

/**
 * Changes the scores of one request's next token. It belongs to that request and is called by the engine thread alone, with
 * histories of which each continues the last; it may remember what it has seen, but its effect depends on the history only,
 * so that preemption and speculation change nothing.
 */
public interface LogitsProcessor {
    /**
     * @param logits changed in place; −∞ excludes a token
     * @param count how many there are
     */
    void process(float[] logits, int count, TokenHistory history);

    /** Notes the same changes instead of making them, for who makes them where the scores are. */
    void note(ScoreChanges changes, TokenHistory history);
}
