package dev.spandrel.engine;

import java.util.Objects;

/**
 * One request for the vector of a text: the hidden states behind the model's last norm, pooled.
 *
 * @param id names the request in logs
 * @param prompt the text
 * @param promptRules what is done to one that is too long
 * @param pooling how states become one
 * @param normalized whether the vector is given the length 1
 * @param arrivalNanos when the request came in, on the engine's monotonic clock
 * @param correlation handed back in {@link StepDetail.Member}, never looked at; may be null
 */
public record EmbeddingRequest(
        String id,
        Prompt prompt,
        PromptRules promptRules,
        Pooling pooling,
        boolean normalized,
        long arrivalNanos,
        Object correlation) {
    public EmbeddingRequest {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(promptRules, "promptRules");
        Objects.requireNonNull(pooling, "pooling");
    }
}
