package dev.spandrel.engine.tokenizer;

/**
 * Looks for one stop string in text that comes code point by code point (Knuth, Morris and Pratt 1977): after each it
 * knows how much of the stop string the text ends with, in constant time on average and without looking back.
 */
final class StopMatcher {
    private final int[] stop;
    private final int[] failure;
    private int matched;

    StopMatcher(String text) {
        stop = text.codePoints().toArray();
        failure = new int[stop.length];
        for (int i = 1, length = 0; i < stop.length; i++) {
            while (length > 0 && stop[i] != stop[length]) {
                length = failure[length - 1];
            }
            length += stop[i] == stop[length] ? 1 : 0;
            failure[i] = length;
        }
    }

    /** Takes the next code point; not to be called after a match. */
    void append(int codePoint) {
        while (matched > 0 && stop[matched] != codePoint) {
            matched = failure[matched - 1];
        }
        matched += stop[matched] == codePoint ? 1 : 0;
    }

    /** Code points at the end of the text that are the beginning of the stop string, as many as there are. */
    int matched() {
        return matched;
    }

    /** Whether the text ends with the whole stop string. */
    boolean complete() {
        return matched == stop.length;
    }
}
