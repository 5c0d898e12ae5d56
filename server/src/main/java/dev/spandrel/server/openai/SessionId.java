package dev.spandrel.server.openai;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/**
 * The conversation or run of an agent that a request belongs to, as its client named it; left in the request's context for
 * traces and logs. It decides nothing: that is for who routes requests.
 *
 * @param value what the client wrote
 */
public record SessionId(String value) {
    /** Where vLLM reads it; an {@code X-Correlation-ID} is none. */
    static final HeaderName HEADER = HeaderNames.create("X-Session-ID");

    /** As long as a request id may be. */
    private static final int MAX_LENGTH = 256;

    /**
     * The body's {@code session_id}, else the header's, else, as older clients send it, that in {@code vllm_xargs}; empty ones
     * are none, nor is one in {@code vllm_xargs} that is no string.
     *
     * @throws OpenAiException 400, where the body's is no string, or the one that counts is too long
     */
    static Optional<SessionId> read(RequestFields fields, Optional<String> header) {
        Optional<String> body = fields.string("session_id");
        fields.check();
        Optional<SessionId> id = body.filter(text -> !text.isEmpty())
                .or(() -> header.filter(text -> !text.isEmpty()))
                .or(() -> inExtraArguments(fields))
                .map(SessionId::new);
        id.filter(given -> given.value().length() > MAX_LENGTH).ifPresent(given -> {
            throw new OpenAiException(OpenAiError.badRequest(
                    "session_id",
                    "A session id may have " + MAX_LENGTH + " characters, got "
                            + given.value().length() + "."));
        });
        return id;
    }

    private static Optional<String> inExtraArguments(RequestFields fields) {
        return Optional.ofNullable(fields.get("vllm_xargs"))
                .map(arguments -> arguments.path("session_id"))
                .filter(JsonNode::isString)
                .map(JsonNode::stringValue)
                .filter(text -> !text.isEmpty());
    }
}
