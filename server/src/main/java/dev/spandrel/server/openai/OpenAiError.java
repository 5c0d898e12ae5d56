package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineException;
import io.helidon.http.HttpException;
import io.helidon.webserver.CloseConnectionException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What is wrong, as the OpenAI API says it; the one table from {@link EngineException} to HTTP status.
 *
 * @param status HTTP status, also the body's {@code code}
 * @param type vLLM's name for the kind of error
 * @param param the request field at fault, or null
 * @param message what was found and what was expected
 * @param retryAfterSeconds value of {@code Retry-After}, where trying again helps
 */
public record OpenAiError(int status, String type, String param, String message, OptionalLong retryAfterSeconds) {
    /** The body broke the schema: wrong type, missing field, not JSON at all. */
    static OpenAiError schema(String param, String message) {
        return of(400, "Bad Request", param, message);
    }

    /** The body is well-formed but asks for something that cannot be. */
    static OpenAiError badRequest(String param, String message) {
        return of(400, "BadRequestError", param, message);
    }

    static OpenAiError modelNotFound(String model) {
        return of(404, "NotFoundError", "model", "The model `" + model + "` does not exist.");
    }

    static OpenAiError responseNotFound(String id) {
        return of(404, "NotFoundError", "response_id", "Response with id `" + id + "` not found.");
    }

    /** A field that vLLM acts on and this server does not; no fault of the server, so not vLLM's 501 (decision 0140). */
    static OpenAiError unsupported(String param, String message) {
        return badRequest(param, message);
    }

    static OpenAiError unavailable(String message) {
        return new OpenAiError(503, "ServiceUnavailableError", null, message, OptionalLong.of(1));
    }

    static OpenAiError tooManyRequests(String message) {
        return new OpenAiError(429, "TooManyRequestsError", null, message, OptionalLong.of(1));
    }

    /** An error of ours; what exactly is in the log, not in the answer. */
    static OpenAiError internal() {
        return of(500, "InternalServerError", null, "Internal server error; the server's log says more.");
    }

    /** An error of the HTTP layer; its type is the status' phrase. */
    static OpenAiError http(int status, String phrase, String message) {
        return of(status, phrase, null, message);
    }

    /** The status a failed request is answered with; empty where the client is gone and nobody is answered. */
    static Optional<Integer> statusOf(RuntimeException cause) {
        return switch (cause) {
            case OpenAiException refused -> Optional.of(refused.error().status());
            case EngineException engine -> Optional.of(of(engine).status());
            case HttpException http -> Optional.of(http.status().code());
            case UncheckedIOException _, CloseConnectionException _ -> Optional.empty();
            default -> Optional.of(internal().status());
        };
    }

    /** The table: what each refusal or failure of the engine is over HTTP. */
    static OpenAiError of(EngineException failure) {
        return switch (failure) {
            case EngineException.InvalidRequest invalid -> badRequest(invalid.parameter(), invalid.getMessage());
            case EngineException.Rejected rejected ->
                new OpenAiError(429, "TooManyRequestsError", null, rejected.getMessage(), seconds(rejected));
            case EngineException.Unavailable unavailable -> unavailable(unavailable.getMessage());
            case EngineException.StepFailed failed -> of(500, "InternalServerError", null, failed.getMessage());
            case EngineException.ModelLoad _ -> internal();
        };
    }

    private static OpenAiError of(int status, String type, String param, String message) {
        return new OpenAiError(status, type, param, message, OptionalLong.empty());
    }

    /** Whole seconds, rounded up: {@code Retry-After} knows no fractions, and 0 would invite a storm. */
    private static OptionalLong seconds(EngineException.Rejected rejected) {
        return OptionalLong.of(
                Math.max(1, rejected.retryAfter().plusNanos(999_999_999).toSeconds()));
    }

    /** {@code {"error": {…}}} in UTF-8. */
    byte[] json() {
        return Json.bytes(out -> {
            out.writeStartObject();
            write(out);
            out.writeEndObject();
        });
    }

    private void write(tools.jackson.core.JsonGenerator out) {
        out.writeName("error");
        out.writeStartObject();
        out.writeStringProperty("message", message);
        out.writeStringProperty("type", type);
        Json.nullable(out, "param", param);
        out.writeNumberProperty("code", status);
        out.writeEndObject();
    }
}
