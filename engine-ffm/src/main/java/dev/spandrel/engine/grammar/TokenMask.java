package dev.spandrel.engine.grammar;

/**
 * Tokens that may come next.
 *
 * @param bits by token id, 64 to a word
 * @param mostNeed most bytes that are missing to the end after any of them
 */
record TokenMask(long[] bits, int mostNeed) {
    static boolean contains(long[] bits, int token) {
        return (bits[token >>> 6] >>> token & 1) != 0;
    }

    static void add(long[] bits, int token) {
        bits[token >>> 6] |= 1L << token;
    }

    /** Excludes all others from a row of scores. */
    void apply(float[] logits, int count) {
        for (int word = 0; word < bits.length; word++) {
            long allowed = bits[word];
            int from = word << 6;
            int to = Math.min(count, from + 64);
            if (allowed == 0) {
                java.util.Arrays.fill(logits, from, to, Float.NEGATIVE_INFINITY);
            } else if (allowed != -1) {
                for (int i = from; i < to; i++) {
                    if ((allowed >>> i & 1) == 0) {
                        logits[i] = Float.NEGATIVE_INFINITY;
                    }
                }
            }
        }
    }
}
