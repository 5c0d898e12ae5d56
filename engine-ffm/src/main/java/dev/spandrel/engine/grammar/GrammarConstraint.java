package dev.spandrel.engine.grammar;

import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.sampling.TokenHistory;
import dev.spandrel.engine.tokenizer.Tokenizer;

/**
 * Holds the output of one request to a grammar. It also counts the tokens that are left, and excludes those after which too
 * few would be left to come to an end, so that an output that {@code max_tokens} ends has its form too.
 */
final class GrammarConstraint implements TokenConstraint {
    private final TokenGrammar grammar;
    private final Tokenizer tokenizer;
    private final int maxTokens;
    private GrammarState state;
    private int consumed;
    private boolean cutShort;

    /** @param maxTokens of the request */
    GrammarConstraint(TokenGrammar grammar, Tokenizer tokenizer, int maxTokens) {
        this.grammar = grammar;
        this.tokenizer = tokenizer;
        this.maxTokens = maxTokens;
        this.state = grammar.start();
    }

    @Override
    public void process(float[] logits, int count, TokenHistory history) {
        advance(history);
        TokenMask mask = grammar.mask(state);
        int left = maxTokens - history.outputLength() - 1;
        if (mask.mostNeed() > left) {
            TokenMask ending = grammar.mask(state, left);
            cutShort |= !java.util.Arrays.equals(ending.bits(), mask.bits());
            mask = ending;
        }
        mask.apply(logits, count);
    }

    @Override
    public boolean complete(TokenHistory history) {
        advance(history);
        return state.complete();
    }

    @Override
    public boolean cutShort() {
        return cutShort;
    }

    private void advance(TokenHistory history) {
        for (; consumed < history.outputLength(); consumed++) {
            // An end-of-sequence token has no bytes and changes nothing.
            state = grammar.step(state, tokenizer.bytes(history.tokens()[history.promptLength() + consumed]));
        }
    }
}
