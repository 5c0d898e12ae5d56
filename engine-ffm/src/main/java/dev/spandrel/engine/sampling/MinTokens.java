package dev.spandrel.engine.sampling;

/** {@code min_tokens}: tokens that would end the output are out until it is long enough. */
public final class MinTokens implements LogitsProcessor {
    private final int minTokens;
    private final int[] ending;

    /** @param ending tokens that end an output */
    public MinTokens(int minTokens, int[] ending) {
        this.minTokens = minTokens;
        this.ending = ending.clone();
    }

    @Override
    public void process(float[] logits, int count, TokenHistory history) {
        if (history.outputLength() < minTokens) {
            for (int token : ending) {
                logits[token] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    @Override
    public void note(ScoreChanges changes, TokenHistory history) {
        if (history.outputLength() < minTokens) {
            for (int token : ending) {
                changes.add(token, Float.NEGATIVE_INFINITY);
            }
        }
    }
}
