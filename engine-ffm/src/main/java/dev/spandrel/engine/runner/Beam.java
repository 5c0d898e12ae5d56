package dev.spandrel.engine.runner;

import dev.spandrel.engine.FinishReason;
import java.util.Arrays;

/**
 * One hypothesis of a beam search.
 *
 * @param tokens prompt and what follows, without an end-of-sequence token
 * @param logprob sum of the log probabilities of what follows, that token included
 * @param reason why it ends, or null while it grows
 */
record Beam(int[] tokens, double logprob, FinishReason reason) {
    Beam with(int token, double more) {
        int[] longer = Arrays.copyOf(tokens, tokens.length + 1);
        longer[tokens.length] = token;
        return new Beam(longer, logprob + more, null);
    }

    Beam ended(FinishReason why, double more) {
        return new Beam(tokens, logprob + more, why);
    }

    /** What beams are compared by, as in vLLM: the length counts the prompt. */
    double score(double lengthPenalty) {
        return logprob / Math.pow(tokens.length, lengthPenalty);
    }
}
