package dev.spandrel.engine.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * A grammar over the tokens of a vocabulary: which tokens may stand in a state, and how many it takes at least to the end.
 * Shared by all requests with the grammar, whose work stands in its {@link #line}: one thread at a time.
 */
final class TokenGrammar {
    /**
     * Most work for one mask: visits of nodes for each pair of state and byte that the walk comes by. The masks of JSON take
     * some ten thousand; beyond the limit only tokens of one byte are looked at. What is known from earlier walks counts as
     * well, so a mask depends on its state alone.
     */
    static final long MAX_WORK = 1_000_000;

    /** 8 MiB of masks, then they are made anew. */
    private static final int MAX_MASK_BYTES = 8 << 20;

    private final GrammarMatcher matcher;
    private final TokenTrie trie;
    private final int[] eosTokenIds;
    private final int words;
    private final GrammarState[] path;
    private long walks;
    private final List<GrammarState> masked = new ArrayList<>();
    private final FormWorkers.Line line;

    /**
     * @param vocabSize tokens that the model scores
     * @param eosTokenIds tokens that may stand where the text may end
     * @param line of what is to be done with it
     */
    TokenGrammar(Grammar grammar, TokenTrie trie, int vocabSize, int[] eosTokenIds, FormWorkers.Line line) {
        this.line = line;
        this.matcher = new GrammarMatcher(grammar);
        this.trie = trie;
        this.eosTokenIds = eosTokenIds.clone();
        this.words = (vocabSize + 63) / 64;
        this.path = new GrammarState[trie.maxDepth() + 1];
    }

    GrammarState start() {
        return matcher.start();
    }

    /** What is to be done with it, in order. */
    FormWorkers.Line line() {
        return line;
    }

    /** Nodes of the grammar visited so far, for tests. */
    long visits() {
        return matcher.visits();
    }

    /** Where the bytes of a token lead. */
    GrammarState step(GrammarState from, byte[] bytes, Turn turn) {
        GrammarState state = from;
        for (byte b : bytes) {
            state = matcher.step(state, b & 0xff, turn);
        }
        return state;
    }

    /** Tokens that may stand in a state. */
    TokenMask mask(GrammarState state, Turn turn) {
        TokenMask known = state.mask();
        if (known != null) {
            return known;
        }
        TokenMask mask = walk(state, Integer.MAX_VALUE, turn);
        if ((masked.size() + 1L) * words * Long.BYTES > MAX_MASK_BYTES) {
            masked.forEach(other -> other.mask(null));
            masked.clear();
        }
        state.mask(mask);
        masked.add(state);
        return mask;
    }

    /** Of those the ones after which so many tokens are enough to come to the end. */
    TokenMask mask(GrammarState state, int tokensLeft, Turn turn) {
        return walk(state, tokensLeft, turn);
    }

    /**
     * Tokens of a way to the end: its shortest text, cut into the longest tokens from left to right. {@link Grammar#ENDLESS}
     * where the vocabulary lacks bytes of it.
     *
     * @param enough beyond so many they are not counted, the answer is some greater number
     */
    int closingTokens(GrammarState from, int enough, Turn turn) {
        List<GrammarState> way = new ArrayList<>();
        GrammarState state = from;
        while (!state.accepting() && state.closingTokens() == GrammarState.UNKNOWN) {
            if (way.size() > enough) {
                return way.size();
            }
            way.add(state);
            state = longestToken(state, turn);
            if (state == null) {
                way.forEach(stuck -> stuck.closingTokens(Grammar.ENDLESS));
                return Grammar.ENDLESS;
            }
        }
        int rest = state.accepting() ? 0 : state.closingTokens();
        // Each on the way has one more to go than the next.
        for (GrammarState passed : way.reversed()) {
            rest = Math.min(Grammar.ENDLESS, rest + 1);
            passed.closingTokens(rest);
        }
        return rest;
    }

    /** Where the longest token along the shortest text leads, or null where there is none. */
    private GrammarState longestToken(GrammarState from, Turn turn) {
        GrammarState longest = null;
        GrammarState state = from;
        int node = 0;
        while (!state.accepting() && node >= 0) {
            int b = matcher.shortest(state);
            node = trie.child(node, b);
            state = matcher.step(state, b, turn);
            turn.spend(Turn.VISIT);
            if (node >= 0 && trie.firstToken(node) < trie.lastToken(node)) {
                longest = state;
            }
        }
        return longest;
    }

    private TokenMask walk(GrammarState from, int tokensLeft, Turn turn) {
        walks++;
        long[] bits = new long[words];
        int mostNeed = 0;
        long work = 0;
        path[0] = from;
        int node = 1;
        while (node < trie.size()) {
            turn.spend(1);
            int depth = trie.depth(node);
            GrammarState before = path[depth - 1];
            int b = trie.byteOf(node);
            boolean skip = work > MAX_WORK && depth > 1;
            GrammarState state = skip ? GrammarState.DEAD : matcher.step(before, b, turn);
            work += !skip && before.firstUse(walks, b) ? before.cost(b) : 0;
            if (state == GrammarState.DEAD) {
                node = trie.end(node);
                continue;
            }
            path[depth] = state;
            int token = trie.firstToken(node);
            int last = trie.lastToken(node);
            if (token < last
                    && (tokensLeft == Integer.MAX_VALUE || closingTokens(state, tokensLeft, turn) <= tokensLeft)) {
                mostNeed = Math.max(mostNeed, state.need());
                for (; token < last; token++) {
                    TokenMask.add(bits, trie.token(token));
                }
            }
            node++;
        }
        if (from.accepting()) {
            for (int eos : eosTokenIds) {
                TokenMask.add(bits, eos);
            }
        }
        return new TokenMask(bits, mostNeed);
    }
}
