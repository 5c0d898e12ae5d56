package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;

/**
 * What there is to know of a form after so many tokens of an output.
 *
 * @param position tokens of the output
 * @param state where the form stands
 * @param mask tokens that may come next; null where the form is complete, so that nobody asks
 * @param cutShort whether tokens are left out of it only because too few would be left after them
 * @param failure why the form cannot be followed further, or null
 */
record PreparedMask(int position, GrammarState state, TokenMask mask, boolean cutShort, EngineException failure) {
    /** Makes one; the work of it. */
    static PreparedMask of(TokenGrammar grammar, GrammarState state, int position, int tokensLeft, Turn turn) {
        // Of a complete state too: where the only text is the empty one, its first token is the end of the sequence.
        TokenMask mask = grammar.mask(state, turn);
        if (mask.mostNeed() <= tokensLeft) {
            return new PreparedMask(position, state, mask, false, null);
        }
        TokenMask ending = grammar.mask(state, tokensLeft, turn);
        return new PreparedMask(position, state, ending, !java.util.Arrays.equals(ending.bits(), mask.bits()), null);
    }

    /** One that only has to be looked up, or null. */
    static PreparedMask known(GrammarState state, int position, int tokensLeft) {
        if (state.complete()) {
            return new PreparedMask(position, state, null, false, null);
        }
        TokenMask mask = state.mask();
        return mask == null || mask.mostNeed() > tokensLeft
                ? null
                : new PreparedMask(position, state, mask, false, null);
    }
}
