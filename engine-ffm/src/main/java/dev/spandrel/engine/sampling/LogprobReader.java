package dev.spandrel.engine.sampling;

import dev.spandrel.engine.TokenLogprobs;
import dev.spandrel.engine.TokenLogprobs.Entry;
import java.util.ArrayList;
import java.util.List;

/** Reads the log probabilities of one row of scores: log softmax, before temperature and whatever else changes scores. */
public final class LogprobReader {
    private LogprobReader() {}

    /**
     * @param logits the row; NaN counts as impossible
     * @param count its length
     * @param token the chosen one
     * @param top how many of the likeliest
     * @param more tokens told of as well
     */
    public static TokenLogprobs read(float[] logits, int count, int token, int top, List<Integer> more) {
        TopLogprobs best = TopLogprobs.of(logits, count, Math.max(1, top));
        double normaliser = logits[best.tokens()[0]] - best.logprobs()[0];
        List<Entry> entries = new ArrayList<>(top + more.size());
        for (int i = 0; i < Math.min(top, best.tokens().length); i++) {
            entries.add(new Entry(best.tokens()[i], best.logprobs()[i], i + 1));
        }
        for (int other : more) {
            if (entries.stream().noneMatch(entry -> entry.token() == other)) {
                entries.add(entry(logits, count, other, normaliser));
            }
        }
        return new TokenLogprobs(entry(logits, count, token, normaliser), entries);
    }

    private static Entry entry(float[] logits, int count, int token, double normaliser) {
        int rank = 1;
        float logit = logits[token];
        for (int i = 0; i < count; i++) {
            // Of equals the smaller id comes first, as among the top.
            if (logits[i] > logit || logits[i] == logit && i < token) {
                rank++;
            }
        }
        return new Entry(token, logit - normaliser, rank);
    }
}
