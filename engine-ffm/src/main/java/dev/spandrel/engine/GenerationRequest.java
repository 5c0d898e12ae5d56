package dev.spandrel.engine;

import java.util.Objects;

/**
 * One request for one continuation.
 *
 * @param id names the request in logs and spans; the engine does not require it to be unique
 * @param prompt what to continue
 * @param sampling how
 * @param arrivalNanos when the request came in, on the engine's monotonic clock; before tokenisation
 */
public record GenerationRequest(String id, Prompt prompt, SamplingParams sampling, long arrivalNanos) {
    public GenerationRequest {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(sampling, "sampling");
    }
}
