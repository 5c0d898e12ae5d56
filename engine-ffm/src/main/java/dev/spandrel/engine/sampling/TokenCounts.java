package dev.spandrel.engine.sampling;

import java.util.Arrays;

/**
 * How often each token of one request came: output tokens by number, those of the prompt alone as −1. A token keeps the place
 * that it got when it first came, so that a copy elsewhere follows by what came since. The engine thread alone.
 */
public final class TokenCounts {
    private static final int LEAST_ROOM = 256;

    /** One more than the place of each token, 0 for one that did not come. */
    private final int[] placeOf;

    private int[] tokens = new int[64];
    private int[] counts = new int[64];
    private int size;
    private int[] history = {};
    private int counted;

    /** @param vocabSize one more than the largest token */
    public TokenCounts(int vocabSize) {
        placeOf = new int[vocabSize];
    }

    /** Counts what the history has more than the last one. */
    void read(TokenHistory latest) {
        history = latest.tokens();
        for (; counted < latest.length(); counted++) {
            count(history[counted], counted < latest.promptLength());
        }
    }

    private void count(int token, boolean inPrompt) {
        if (placeOf[token] == 0) {
            if (size == tokens.length) {
                tokens = Arrays.copyOf(tokens, 2 * size);
                counts = Arrays.copyOf(counts, 2 * size);
            }
            tokens[size] = token;
            placeOf[token] = ++size;
        }
        int place = placeOf[token] - 1;
        counts[place] = inPrompt ? -1 : Math.max(0, counts[place]) + 1;
    }

    /** Different tokens. */
    public int size() {
        return size;
    }

    /** Places that a copy elsewhere sets aside: a power of two, so that it moves seldom. */
    public int room() {
        return size <= LEAST_ROOM ? LEAST_ROOM : Integer.highestOneBit(size - 1) << 1;
    }

    /** The token of a place. */
    public int token(int place) {
        return tokens[place];
    }

    /** How often it came in the output; −1 where only in the prompt. */
    public int count(int place) {
        return counts[place];
    }

    /** Tokens counted so far, equal ones included. */
    public int counted() {
        return counted;
    }

    /** Place of the token that was counted as the {@code index}-th. */
    public int placeAt(int index) {
        return placeOf[history[index]] - 1;
    }
}
