package dev.spandrel.server.openai;

import io.helidon.webserver.http.ServerRequest;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** A request on its way in, and how far it came. */
final class Intake {
    private final ServerRequest request;
    private final String operation;
    private final ApiContext api;
    private long arrivalNanos;
    private Optional<RequestFields> fields = Optional.empty();

    /** @param operation {@code gen_ai.operation.name} of the endpoint */
    Intake(ServerRequest request, String operation, ApiContext api) {
        this.request = request;
        this.operation = operation;
        this.api = api;
        this.arrivalNanos = api.nanoClock().getAsLong();
    }

    /**
     * Reads the body, once.
     *
     * @throws OpenAiException when it is no object, or the server stops
     */
    RequestFields fields() {
        if (fields.isEmpty()) {
            byte[] body = RequestReader.read(request, api.watchdog());
            arrivalNanos = api.nanoClock().getAsLong();
            if (api.draining().getAsBoolean()) {
                throw new OpenAiException(OpenAiError.unavailable("The server is shutting down."));
            }
            fields = Optional.of(RequestFields.parse(body));
        }
        return fields.get();
    }

    /** When its body was there, on the engine's clock. */
    long arrivalNanos() {
        return arrivalNanos;
    }

    /** What listeners are told of one that was refused. */
    RefusedRequest refused(RuntimeException cause) {
        return new RefusedRequest(
                operation,
                fields.map(body -> body.get("model")).filter(JsonNode::isString).map(JsonNode::stringValue),
                arrivalNanos,
                OpenAiError.statusOf(cause),
                String.valueOf(cause.getMessage()));
    }
}
