package dev.spandrel.engine;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tokens that a request wants more, less, only, or not at all. Whether ids are in the vocabulary the engine checks.
 *
 * @param logitBias added to the logits of these tokens, clamped to ±100
 * @param allowedTokenIds the only ones there are; empty = all
 * @param badWords texts that must not come; a word of several tokens may begin but not end
 */
public record TokenRules(Map<Integer, Double> logitBias, List<Integer> allowedTokenIds, List<String> badWords) {
    /** Every token as the model scores it. */
    public static final TokenRules NONE = new TokenRules(Map.of(), List.of(), List.of());

    /** Most bad words; each costs a comparison per token. */
    public static final int MAX_BAD_WORDS = 1024;

    private static final double MOST_BIAS = 100;

    public TokenRules {
        Map<Integer, Double> clamped = new LinkedHashMap<>();
        logitBias.forEach((token, bias) -> clamped.put(token, Math.clamp(bias, -MOST_BIAS, MOST_BIAS)));
        logitBias = Map.copyOf(clamped);
        allowedTokenIds = List.copyOf(allowedTokenIds);
        badWords = List.copyOf(badWords);
        if (badWords.size() > MAX_BAD_WORDS) {
            throw EngineException.InvalidRequest.value(
                    "bad_words", "bad_words takes at most " + MAX_BAD_WORDS + " words", badWords.size());
        }
        if (badWords.stream().anyMatch(String::isBlank)) {
            throw EngineException.InvalidRequest.value("bad_words", "bad_words must not hold an empty word", badWords);
        }
    }
}
