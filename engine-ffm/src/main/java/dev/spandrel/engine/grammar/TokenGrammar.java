package dev.spandrel.engine.grammar;

/**
 * A grammar over the tokens of a vocabulary: which tokens may stand in a state, and how many it takes at least to the end.
 * Shared by all requests with the grammar; threads take turns.
 */
final class TokenGrammar {
    /**
     * Most work for one mask: for each pair of state and byte that the walk comes by, the state's places. The masks of JSON
     * take some ten thousand; beyond the limit only tokens of one byte are looked at, so that nobody's pattern can stop
     * everybody's tokens. What is known from earlier walks counts as well, so a mask depends on its state alone.
     */
    private static final long MAX_WORK = 500_000;

    /** 8 MiB of masks, then they are made anew. */
    private static final int MAX_MASK_BYTES = 8 << 20;

    private final GrammarMatcher matcher;
    private final TokenTrie trie;
    private final int[] eosTokenIds;
    private final int words;
    private final GrammarState[] path;
    private long walks;
    private final java.util.List<GrammarState> masked = new java.util.ArrayList<>();

    /**
     * @param vocabSize tokens that the model scores
     * @param eosTokenIds tokens that may stand where the text may end
     */
    TokenGrammar(Grammar grammar, TokenTrie trie, int vocabSize, int[] eosTokenIds) {
        this.matcher = new GrammarMatcher(grammar);
        this.trie = trie;
        this.eosTokenIds = eosTokenIds.clone();
        this.words = (vocabSize + 63) / 64;
        this.path = new GrammarState[trie.maxDepth() + 1];
    }

    GrammarState start() {
        return matcher.start();
    }

    /** Where the bytes of a token lead. */
    synchronized GrammarState step(GrammarState from, byte[] bytes) {
        GrammarState state = from;
        for (byte b : bytes) {
            state = matcher.step(state, b & 0xff);
        }
        return state;
    }

    /** Tokens that may stand in a state. */
    synchronized TokenMask mask(GrammarState state) {
        if (state.mask == null) {
            if ((masked.size() + 1L) * words * Long.BYTES > MAX_MASK_BYTES) {
                masked.forEach(other -> other.mask = null);
                masked.clear();
            }
            state.mask = walk(state, Integer.MAX_VALUE);
            masked.add(state);
        }
        return state.mask;
    }

    /** Of those the ones after which so many tokens are enough to come to the end. */
    synchronized TokenMask mask(GrammarState state, int tokensLeft) {
        return walk(state, tokensLeft);
    }

    /**
     * Tokens of a way to the end: its shortest text, cut into the longest tokens from left to right. {@link Grammar#ENDLESS}
     * where the vocabulary lacks bytes of it.
     */
    synchronized int closingTokens(GrammarState state) {
        if (state.closingTokens < 0) {
            state.closingTokens = countClosing(state);
        }
        return state.closingTokens;
    }

    private int countClosing(GrammarState from) {
        int count = 0;
        GrammarState state = from;
        while (!state.accepting()) {
            if (state.closingTokens >= 0) {
                return Math.min(Grammar.ENDLESS, count + state.closingTokens);
            }
            state = longestToken(state);
            if (state == null) {
                return Grammar.ENDLESS;
            }
            count++;
        }
        return count;
    }

    /** Where the longest token along the shortest text leads, or null where there is none. */
    private GrammarState longestToken(GrammarState from) {
        GrammarState longest = null;
        GrammarState state = from;
        int node = 0;
        while (!state.accepting() && node >= 0) {
            int b = matcher.shortest(state);
            node = trie.child(node, b);
            state = matcher.step(state, b);
            if (node >= 0 && trie.firstToken(node) < trie.lastToken(node)) {
                longest = state;
            }
        }
        return longest;
    }

    private TokenMask walk(GrammarState from, int tokensLeft) {
        walks++;
        long[] bits = new long[words];
        int mostNeed = 0;
        long work = 0;
        path[0] = from;
        int node = 1;
        while (node < trie.size()) {
            int depth = trie.depth(node);
            GrammarState before = path[depth - 1];
            int b = trie.byteOf(node);
            work += before.firstUse(walks, b) ? before.places().size() : 0;
            boolean skip = work > MAX_WORK && depth > 1;
            GrammarState state = skip ? GrammarState.DEAD : matcher.step(before, b);
            if (state == GrammarState.DEAD) {
                node = trie.end(node);
                continue;
            }
            path[depth] = state;
            int token = trie.firstToken(node);
            int last = trie.lastToken(node);
            if (token < last && (tokensLeft == Integer.MAX_VALUE || closingTokens(state) <= tokensLeft)) {
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
