package dev.spandrel.engine;

/**
 * Speculative decoding by prompt lookup (Saxena, 2023): where the last tokens occurred before, what followed them then is
 * tried as a draft, several tokens in one step. Exact: the tokens are those that would come without it, for greedy and for
 * sampling alike.
 *
 * @param numSpeculativeTokens longest draft
 * @param promptLookupMin shortest run of last tokens to look for
 * @param promptLookupMax longest run of last tokens to look for; longer matches win
 */
public record NgramSpeculation(int numSpeculativeTokens, int promptLookupMin, int promptLookupMax) {
    /** No speculation. */
    public static final NgramSpeculation OFF = new NgramSpeculation(0, 1, 1);

    public NgramSpeculation {
        if (numSpeculativeTokens < 0 || numSpeculativeTokens > 64) {
            throw new IllegalArgumentException(
                    "num_speculative_tokens must be between 0 and 64, found " + numSpeculativeTokens);
        }
        if (promptLookupMin < 1 || promptLookupMax < promptLookupMin) {
            throw new IllegalArgumentException(
                    "prompt_lookup_min must be at least 1 and at most prompt_lookup_max, found " + promptLookupMin
                            + " and " + promptLookupMax);
        }
    }

    public boolean enabled() {
        return numSpeculativeTokens > 0;
    }
}
