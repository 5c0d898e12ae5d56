package dev.spandrel.engine.sampling;

/**
 * The tokens before the one to choose. A view: the array belongs to the sequence and grows.
 *
 * @param tokens prompt and output; the first {@code length} count
 * @param promptLength how many of them are the prompt
 */
public record TokenHistory(int[] tokens, int promptLength, int length) {
    /** Tokens of the output. */
    public int outputLength() {
        return length - promptLength;
    }
}
