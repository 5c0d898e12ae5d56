package dev.spandrel.server.openai;

import dev.spandrel.engine.Generation;
import dev.spandrel.engine.TokenLogprobs;
import java.util.ArrayList;
import java.util.List;

/**
 * The tokens that a piece of an answer tells of: maybe the prompt's, and some of the output's.
 *
 * @param generation whose they are
 * @param prompt whether the prompt's come first
 * @param from first of the output
 * @param to behind the last of the output
 */
record TokenSpan(Generation generation, boolean prompt, int from, int to) {
    /** Ids of the output's tokens. */
    List<Integer> ids() {
        List<Integer> ids = new ArrayList<>(to - from);
        for (int i = from; i < to; i++) {
            ids.add(generation.tokenId(i));
        }
        return ids;
    }

    /** One entry per token; null for the first of a prompt, before which there is nothing. */
    List<TokenLogprobs> logprobs() {
        List<TokenLogprobs> all = new ArrayList<>(to - from);
        if (prompt) {
            all.add(null);
            all.addAll(generation.promptLogprobs());
        }
        for (int i = from; i < to; i++) {
            all.add(generation.logprobs(i).orElse(null));
        }
        return all;
    }

    /** The first token of the prompt, which has no log probability. */
    int firstToken() {
        return generation.promptTokenIds()[0];
    }
}
