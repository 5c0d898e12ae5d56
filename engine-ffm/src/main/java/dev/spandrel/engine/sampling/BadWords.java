package dev.spandrel.engine.sampling;

import java.util.List;

/** {@code bad_words}: where the output ends with all tokens of a word but the last, the last is out. */
public final class BadWords implements LogitsProcessor {
    private final List<int[]> words;

    /** @param words as tokens, none of them empty */
    public BadWords(List<int[]> words) {
        this.words = List.copyOf(words);
    }

    @Override
    public void process(float[] logits, int count, TokenHistory history) {
        for (int[] word : words) {
            if (endsWith(history, word)) {
                logits[word[word.length - 1]] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    @Override
    public void note(ScoreChanges changes, TokenHistory history) {
        for (int[] word : words) {
            if (endsWith(history, word)) {
                changes.add(word[word.length - 1], Float.NEGATIVE_INFINITY);
            }
        }
    }

    private static boolean endsWith(TokenHistory history, int[] word) {
        int before = word.length - 1;
        if (history.outputLength() < before) {
            return false;
        }
        for (int i = 0; i < before; i++) {
            if (history.tokens()[history.length() - before + i] != word[i]) {
                return false;
            }
        }
        return true;
    }
}
