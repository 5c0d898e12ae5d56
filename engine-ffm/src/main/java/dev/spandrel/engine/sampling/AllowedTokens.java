package dev.spandrel.engine.sampling;

import java.util.BitSet;
import java.util.List;

/** {@code allowed_token_ids}: all others are out. */
public final class AllowedTokens implements LogitsProcessor {
    private final BitSet allowed = new BitSet();

    public AllowedTokens(List<Integer> ids) {
        ids.forEach(allowed::set);
    }

    @Override
    public void process(float[] logits, int count, TokenHistory history) {
        for (int i = allowed.nextClearBit(0); i < count; i = allowed.nextClearBit(i + 1)) {
            logits[i] = Float.NEGATIVE_INFINITY;
        }
    }

    @Override
    public void note(ScoreChanges changes, TokenHistory history) {
        changes.allowOnly(allowed.toLongArray());
    }
}
