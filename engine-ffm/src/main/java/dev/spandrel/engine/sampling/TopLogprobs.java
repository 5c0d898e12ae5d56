package dev.spandrel.engine.sampling;

import java.util.PriorityQueue;

/**
 * The most likely tokens of one row and their log probabilities, best first: log softmax of the raw logits, before
 * temperature, top-k and top-p, as in vLLM.
 *
 * @param tokens token ids
 * @param logprobs natural logarithms, same order
 */
public record TopLogprobs(int[] tokens, double[] logprobs) {
    /** A token with its logit; of equals the smaller id comes first. */
    private record Candidate(int token, float logit) implements Comparable<Candidate> {
        @Override
        public int compareTo(Candidate other) {
            int byLogit = Float.compare(logit, other.logit);
            return byLogit == 0 ? Integer.compare(other.token, token) : byLogit;
        }
    }

    /**
     * The best of a row.
     *
     * @param logits the row; NaN counts as impossible
     * @param count its length
     * @param most tokens wanted; fewer come from a shorter row
     */
    public static TopLogprobs of(float[] logits, int count, int most) {
        PriorityQueue<Candidate> best = new PriorityQueue<>(most + 1);
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            float logit = logits[i] != logits[i] ? Float.NEGATIVE_INFINITY : logits[i];
            max = Math.max(max, logit);
            if (best.size() < most) {
                best.add(new Candidate(i, logit));
            } else if (logit > best.peek().logit) {
                best.poll();
                best.add(new Candidate(i, logit));
            }
        }
        double total = 0;
        for (int i = 0; i < count; i++) {
            total += logits[i] != logits[i] ? 0 : Math.exp(logits[i] - max);
        }
        double normaliser = max + Math.log(total);
        int[] tokens = new int[best.size()];
        double[] logprobs = new double[best.size()];
        for (int i = tokens.length - 1; i >= 0; i--) {
            Candidate worst = best.poll();
            tokens[i] = worst.token;
            logprobs[i] = worst.logit - normaliser;
        }
        return new TopLogprobs(tokens, logprobs);
    }
}
