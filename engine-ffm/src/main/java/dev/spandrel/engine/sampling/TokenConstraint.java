package dev.spandrel.engine.sampling;

import dev.spandrel.engine.EngineException;

/**
 * A form that the text of an output must have. As a processor it excludes every token that would leave the form, and every
 * one after which too few tokens were left to complete it. What may come next can take work; it is done elsewhere, and until
 * {@link #ready} says so nothing else may be asked. Called by the engine thread alone.
 */
public interface TokenConstraint extends LogitsProcessor {
    /**
     * Whether it is known what may come after a history; never blocks. Where it is not, that is found out elsewhere, and the
     * calling thread is unparked then.
     */
    boolean ready(TokenHistory history);

    /** Blocks until it is ready, for who has nothing else to do. */
    void await(TokenHistory history);

    /** Whether the output has the form and nothing more may be added. */
    boolean complete(TokenHistory history);

    /** Whether tokens were excluded because there would not have been enough left to end properly. */
    boolean cutShort();

    /** Why the form cannot be followed any further, or null. */
    EngineException failure();

    /** Nobody will ask any more. */
    void abandon();
}
