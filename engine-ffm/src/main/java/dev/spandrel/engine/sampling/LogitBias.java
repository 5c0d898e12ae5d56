package dev.spandrel.engine.sampling;

import java.util.Map;

/** {@code logit_bias}: a number added to the scores of chosen tokens. */
public final class LogitBias implements LogitsProcessor {
    private final int[] tokens;
    private final float[] biases;

    public LogitBias(Map<Integer, Double> biasByToken) {
        tokens = new int[biasByToken.size()];
        biases = new float[tokens.length];
        int i = 0;
        for (Map.Entry<Integer, Double> entry : biasByToken.entrySet()) {
            tokens[i] = entry.getKey();
            biases[i++] = entry.getValue().floatValue();
        }
    }

    @Override
    public void process(float[] logits, int count, TokenHistory history) {
        for (int i = 0; i < tokens.length; i++) {
            logits[tokens[i]] += biases[i];
        }
    }

    @Override
    public void note(ScoreChanges changes, TokenHistory history) {
        for (int i = 0; i < tokens.length; i++) {
            changes.add(tokens[i], biases[i]);
        }
    }
}
