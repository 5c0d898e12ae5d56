package dev.spandrel.engine;

import java.util.List;

/**
 * What ends an output before {@code max_tokens}.
 *
 * @param strings texts that end it
 * @param tokenIds tokens that end it, beside those of the model
 * @param ignoreEos goes on after an end-of-sequence token
 * @param minTokens tokens before which nothing of this ends it; until then ending tokens are not drawn
 * @param includeInOutput whether the text or token that ended it belongs to the text
 */
public record StopRules(
        List<String> strings, List<Integer> tokenIds, boolean ignoreEos, int minTokens, boolean includeInOutput) {
    /** Only the model's own tokens end it. */
    public static final StopRules MODEL = new StopRules(List.of(), List.of(), false, 0, false);

    /** Most stop texts in one request, as with OpenAI and vLLM. */
    public static final int MAX_STRINGS = 4;

    public StopRules {
        strings = List.copyOf(strings);
        tokenIds = List.copyOf(tokenIds);
        if (strings.size() > MAX_STRINGS) {
            throw EngineException.InvalidRequest.value(
                    "stop", "stop takes at most " + MAX_STRINGS + " strings", strings.size());
        }
        if (strings.contains("")) {
            throw EngineException.InvalidRequest.value("stop", "stop must not hold an empty string", strings);
        }
        if (minTokens < 0) {
            throw EngineException.InvalidRequest.value("min_tokens", "min_tokens must be at least 0", minTokens);
        }
    }
}
