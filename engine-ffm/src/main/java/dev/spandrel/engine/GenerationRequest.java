package dev.spandrel.engine;

import java.util.Objects;

/**
 * One request for one continuation.
 *
 * @param id names the request in logs and spans; the engine does not require it to be unique
 * @param prompt what to continue
 * @param sampling how
 * @param arrivalNanos when the request came in, on the engine's monotonic clock; before tokenisation
 * @param priority smaller is sooner, where the engine schedules by priority
 * @param cacheSalt requests share cached beginnings only with those of the same salt; empty for none
 * @param promptRules what is done to a prompt that is too long
 * @param correlation handed back in {@link StepDetail.Member}, never looked at; may be null
 */
public record GenerationRequest(
        String id,
        Prompt prompt,
        SamplingParams sampling,
        long arrivalNanos,
        int priority,
        String cacheSalt,
        PromptRules promptRules,
        Object correlation) {
    /** A request of priority 0 without salt. */
    public GenerationRequest(String id, Prompt prompt, SamplingParams sampling, long arrivalNanos) {
        this(id, prompt, sampling, arrivalNanos, 0, "", PromptRules.WHOLE, null);
    }

    public GenerationRequest {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(sampling, "sampling");
        Objects.requireNonNull(cacheSalt, "cacheSalt");
        Objects.requireNonNull(promptRules, "promptRules");
    }
}
