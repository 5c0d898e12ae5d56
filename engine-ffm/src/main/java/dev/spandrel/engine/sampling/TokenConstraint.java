package dev.spandrel.engine.sampling;

/**
 * A form that the text of an output must have. As a processor it excludes every token that would leave the form, and every
 * one after which too few tokens were left to complete it.
 */
public interface TokenConstraint extends LogitsProcessor {
    /** Whether the output has the form and nothing more may be added. */
    boolean complete(TokenHistory history);

    /** Whether tokens were excluded because there would not have been enough left to end properly. */
    boolean cutShort();
}
