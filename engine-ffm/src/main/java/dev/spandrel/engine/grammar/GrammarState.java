package dev.spandrel.engine.grammar;

import java.util.List;

/**
 * All the places where a grammar may stand after some bytes. It remembers where each byte leads and which tokens may follow;
 * the {@link GrammarMatcher} that made it fills that in, under its lock.
 */
final class GrammarState {
    /** No text of the grammar begins like this. */
    static final GrammarState DEAD = new GrammarState(List.of(), false);

    private final List<Frame> places;
    private final boolean accepting;
    private final int need;
    /** By byte; null where nobody has looked. */
    final GrammarState[] next;

    /** The latest walk over the vocabulary that came by, and the bytes it used. */
    private long walk;

    private final long[] used = new long[4];

    TokenMask mask;
    /** Tokens of the shortest way to the end, or −1 where nobody has looked. */
    int closingTokens = -1;

    /** @param places each before a byte, those with the least to come first */
    GrammarState(List<Frame> places, boolean accepting) {
        this.places = places;
        this.accepting = accepting;
        this.next = places.isEmpty() ? new GrammarState[0] : new GrammarState[256];
        this.need = accepting
                ? 0
                : places.isEmpty() ? Grammar.ENDLESS : places.getFirst().rest();
    }

    List<Frame> places() {
        return places;
    }

    /** Whether the text so far is one of the grammar's. */
    boolean accepting() {
        return accepting;
    }

    /** Whether it is, and nothing may follow. */
    boolean complete() {
        return accepting && places.isEmpty();
    }

    /** Whether a walk, by its number, uses a byte here for the first time. */
    boolean firstUse(long number, int b) {
        if (walk != number) {
            walk = number;
            java.util.Arrays.fill(used, 0);
        }
        boolean first = (used[b >>> 6] >>> b & 1) == 0;
        used[b >>> 6] |= 1L << b;
        return first;
    }

    /** Fewest bytes to the end. */
    int need() {
        return need;
    }
}
