package dev.spandrel.server.openai;

import java.util.Optional;

/**
 * A request to a generating endpoint that never became a generation.
 *
 * @param operation {@code text_completion} or {@code chat}
 * @param requestId vLLM's external id, as its first generation would have had it
 * @param requestModel the name the client used, where the body could be read
 * @param arrivalNanos when it came, on the engine's clock
 * @param status the HTTP status it was answered with; empty where the client left in the middle of its request
 * @param message what was wrong
 */
public record RefusedRequest(
        String operation,
        String requestId,
        Optional<String> requestModel,
        long arrivalNanos,
        Optional<Integer> status,
        String message) {}
