package dev.spandrel.engine.sampling;

import dev.spandrel.engine.Penalties;

/**
 * {@code repetition_penalty}, {@code frequency_penalty} and {@code presence_penalty}, in vLLM's order. It counts each token
 * once, when it first sees it, so a long output costs no more per token than its number of different tokens.
 */
public final class TokenPenalties implements LogitsProcessor {
    private final float presence;
    private final float frequency;
    private final float repetition;

    private final TokenCounts counts;

    /** @param vocabSize one more than the largest token */
    public TokenPenalties(Penalties penalties, int vocabSize) {
        presence = (float) penalties.presence();
        frequency = (float) penalties.frequency();
        repetition = (float) penalties.repetition();
        counts = new TokenCounts(vocabSize);
    }

    @Override
    public void process(float[] logits, int count, TokenHistory history) {
        counts.read(history);
        for (int i = 0; i < counts.size(); i++) {
            int token = counts.token(i);
            float logit = logits[token];
            logit = logit > 0 ? logit / repetition : logit * repetition;
            logits[token] = logit - (counts.count(i) > 0 ? frequency * counts.count(i) + presence : 0);
        }
    }

    @Override
    public void note(ScoreChanges changes, TokenHistory history) {
        counts.read(history);
        changes.penalize(counts, repetition, frequency, presence);
    }
}
