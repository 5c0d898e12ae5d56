package dev.spandrel.engine;

import java.util.OptionalInt;

/**
 * What is done to a prompt that is longer than wanted.
 *
 * @param truncateTo most tokens kept; −1 = as many as leave room for {@code max_tokens}; empty = all
 * @param keepEnd whether the last ones are kept rather than the first
 */
public record PromptRules(OptionalInt truncateTo, boolean keepEnd) {
    /** The prompt stays as it is. */
    public static final PromptRules WHOLE = new PromptRules(OptionalInt.empty(), true);

    public PromptRules {
        if (truncateTo.isPresent() && (truncateTo.getAsInt() < -1 || truncateTo.getAsInt() == 0)) {
            throw EngineException.InvalidRequest.value(
                    "truncate_prompt_tokens", "truncate_prompt_tokens must be -1 or at least 1", truncateTo.getAsInt());
        }
    }
}
