package dev.spandrel.server.openai;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.TokenLogprobs.Entry;
import dev.spandrel.engine.TokenText;

/**
 * How log probabilities name a token: by its text, or by its id where the client asked for that, since the text of a token
 * that is part of a character names nothing.
 */
record TokenNames(Engine engine, boolean asIds) {
    /** JSON has no −∞; vLLM writes this. */
    static final double LEAST_LOGPROB = -9999.0;

    String name(int token) {
        return asIds ? "token_id:" + token : engine.token(token).text();
    }

    TokenText text(int token) {
        return engine.token(token);
    }

    static double logprob(Entry entry) {
        return Math.max(entry.logprob(), LEAST_LOGPROB);
    }
}
