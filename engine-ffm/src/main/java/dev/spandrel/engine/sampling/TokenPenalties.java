package dev.spandrel.engine.sampling;

import dev.spandrel.engine.Penalties;
import java.util.Arrays;

/**
 * {@code repetition_penalty}, {@code frequency_penalty} and {@code presence_penalty}, in vLLM's order. It counts each token
 * once, when it first sees it, so a long output costs no more per token than its number of different tokens.
 */
public final class TokenPenalties implements LogitsProcessor {
    private final float presence;
    private final float frequency;
    private final float repetition;

    /** Output occurrences by token; −1 for one that stands in the prompt alone. */
    private final int[] counts;
    /** Tokens with a count other than 0, in order of their coming. */
    private int[] seen = new int[64];

    private int seenCount;
    private int counted;

    /** @param vocabSize one more than the largest token */
    public TokenPenalties(Penalties penalties, int vocabSize) {
        presence = (float) penalties.presence();
        frequency = (float) penalties.frequency();
        repetition = (float) penalties.repetition();
        counts = new int[vocabSize];
    }

    @Override
    public void process(float[] logits, int count, TokenHistory history) {
        read(history);
        for (int i = 0; i < seenCount; i++) {
            int token = seen[i];
            float logit = logits[token];
            logit = logit > 0 ? logit / repetition : logit * repetition;
            logits[token] = logit - less(token);
        }
    }

    @Override
    public void note(ScoreChanges changes, TokenHistory history) {
        read(history);
        for (int i = 0; i < seenCount; i++) {
            changes.penalize(seen[i], repetition, less(seen[i]));
        }
    }

    private float less(int token) {
        return counts[token] > 0 ? frequency * counts[token] + presence : 0;
    }

    private void read(TokenHistory history) {
        for (; counted < history.length(); counted++) {
            count(history.tokens()[counted], counted < history.promptLength());
        }
    }

    private void count(int token, boolean inPrompt) {
        if (counts[token] == 0) {
            seen = seen.length == seenCount ? Arrays.copyOf(seen, 2 * seenCount) : seen;
            seen[seenCount++] = token;
        }
        if (inPrompt) {
            counts[token] = -1;
        } else {
            counts[token] = Math.max(0, counts[token]) + 1;
        }
    }
}
