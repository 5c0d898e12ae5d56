package dev.spandrel.engine.grammar;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;

/**
 * All the places where a grammar may stand after some bytes. It remembers where each byte leads and which tokens may follow.
 * One thread at a time fills that in; others may look up what is known, at any time.
 */
final class GrammarState {
    /** No text of the grammar begins like this. */
    static final GrammarState DEAD = new GrammarState(List.of(), false);

    /** Of {@link #closingTokens} that nobody has counted. */
    static final int UNKNOWN = -1;

    private static final int BYTES = 256;

    private final List<Frame> places;
    private final boolean accepting;
    private final int need;
    private static final VarHandle NEXT = MethodHandles.arrayElementVarHandle(GrammarState[].class);

    /** By byte; null where nobody has looked. Released and acquired, since another thread may look while it is filled. */
    private final GrammarState[] next;
    /** By byte, what it took to find out. */
    private final int[] costs;

    /** The latest walk over the vocabulary that came by, and the bytes it used. */
    private long walk;

    private final long[] used = new long[4];

    private volatile TokenMask mask;
    private volatile int closingTokens = UNKNOWN;

    /** @param places each before a byte, those with the least to come first */
    GrammarState(List<Frame> places, boolean accepting) {
        this.places = places;
        this.accepting = accepting;
        this.next = new GrammarState[places.isEmpty() ? 0 : BYTES];
        this.costs = new int[places.isEmpty() ? 0 : BYTES];
        this.need = accepting
                ? 0
                : places.isEmpty() ? Grammar.ENDLESS : places.getFirst().rest();
    }

    /** Where a byte leads, null where nobody has looked. */
    GrammarState next(int b) {
        return next.length == 0 ? DEAD : (GrammarState) NEXT.getAcquire(next, b);
    }

    /** Notes where a byte leads, and the visits of nodes that it took to find out. */
    void next(int b, GrammarState state, int cost) {
        costs[b] = cost;
        NEXT.setRelease(next, b, state);
    }

    /** Visits of nodes that it took to find out where a byte leads. */
    int cost(int b) {
        return costs.length == 0 ? 0 : costs[b];
    }

    /** Forgets where bytes lead. */
    void forget() {
        for (int b = 0; b < next.length; b++) {
            NEXT.setRelease(next, b, null);
        }
    }

    /** Where a text leads, null where nobody has looked; any thread. */
    GrammarState known(byte[] text) {
        GrammarState state = this;
        for (int i = 0; i < text.length && state != null; i++) {
            state = state.next(text[i] & 0xff);
        }
        return state;
    }

    /** Tokens that may follow, null where nobody has looked. */
    TokenMask mask() {
        return mask;
    }

    void mask(TokenMask tokens) {
        mask = tokens;
    }

    /** Tokens of the shortest way to the end, or {@link #UNKNOWN}. */
    int closingTokens() {
        return closingTokens;
    }

    void closingTokens(int count) {
        closingTokens = count;
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
