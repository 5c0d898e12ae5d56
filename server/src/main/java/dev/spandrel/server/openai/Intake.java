package dev.spandrel.server.openai;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import java.util.Optional;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;

/** A request on its way in, and how far it came. */
final class Intake {
    private static final HeaderName REQUEST_ID = HeaderNames.create("X-Request-Id");

    private final ServerRequest request;
    private final String operation;
    private final UnaryOperator<String> requestId;
    private final RequestIds ids;
    private final ApiContext api;
    private long arrivalNanos;
    private Optional<RequestFields> fields = Optional.empty();
    private Optional<String> id = Optional.empty();

    /**
     * @param operation {@code gen_ai.operation.name} of the endpoint
     * @param requestId the id of its first engine request, from that of its answer without a prefix
     */
    Intake(ServerRequest request, String operation, UnaryOperator<String> requestId, ApiContext api) {
        this.request = request;
        this.operation = operation;
        this.requestId = requestId;
        Optional<String> header = request.headers().first(REQUEST_ID);
        Optional<String> given = request.context().get(GivenRequestId.class).map(GivenRequestId::value);
        this.ids = new RequestIds(header.or(() -> given), api.random());
        this.api = api;
        this.arrivalNanos = api.nanoClock().getAsLong();
    }

    /**
     * Reads the body, once, and leaves in the context whose conversation it belongs to.
     *
     * @throws OpenAiException when it is no object or names no proper session, or the server stops
     */
    RequestFields fields() {
        if (fields.isEmpty()) {
            byte[] body = RequestReader.read(request, api.watchdog());
            arrivalNanos = api.nanoClock().getAsLong();
            if (api.draining().getAsBoolean()) {
                throw new OpenAiException(OpenAiError.unavailable("The server is shutting down."));
            }
            fields = Optional.of(RequestFields.parse(body));
            SessionId.read(fields.get(), request.headers().first(SessionId.HEADER))
                    .ifPresent(request.context()::register);
        }
        return fields.get();
    }

    /** Draws its ids. */
    RequestIds ids() {
        return ids;
    }

    /** Its id is known. */
    void named(String known) {
        id = Optional.of(known);
    }

    /** When its body was there, on the engine's clock. */
    long arrivalNanos() {
        return arrivalNanos;
    }

    /** What listeners are told of one that was refused. */
    RefusedRequest refused(RuntimeException cause) {
        return new RefusedRequest(
                operation,
                requestId.apply(id.orElseGet(() -> ids.ofRefused(text("request_id")))),
                text("model"),
                arrivalNanos,
                OpenAiError.statusOf(cause),
                String.valueOf(cause.getMessage()));
    }

    private Optional<String> text(String field) {
        return fields.map(body -> body.get(field)).filter(JsonNode::isString).map(JsonNode::stringValue);
    }
}
