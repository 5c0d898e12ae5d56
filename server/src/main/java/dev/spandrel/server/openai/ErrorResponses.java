package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineException;
import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.http.HttpException;
import io.helidon.http.Method;
import io.helidon.http.ServerResponseHeaders;
import io.helidon.http.Status;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.lang.System.Logger.Level;

/**
 * Makes every error of the server an {@link OpenAiError}: our own, the engine's, Helidon's, and those Helidon finds
 * before there is a request to route.
 */
public final class ErrorResponses {
    private static final System.Logger LOGGER = System.getLogger(ErrorResponses.class.getName());
    private static final int UNKNOWN_ROUTE = 404;
    /** Helidon 4.5.0 calls it a bad request, in these words. */
    private static final String HEAD_TOO_LARGE = "Header size exceeded";

    private ErrorResponses() {}

    /** Errors of requests that were routed. */
    public static void register(HttpRouting.Builder routing) {
        routing.error(OpenAiException.class, (request, response, e) -> send(request, response, e.error()));
        routing.error(EngineException.class, ErrorResponses::engine);
        routing.error(HttpException.class, ErrorResponses::http);
        routing.error(Throwable.class, ErrorResponses::fault);
    }

    /** Errors of requests Helidon could not route: bad HTTP, too large, not decodable. */
    public static DirectHandlers direct() {
        DirectHandlers.Builder handlers = DirectHandlers.builder();
        for (DirectHandler.EventType type : DirectHandler.EventType.values()) {
            handlers.addHandler(type, ErrorResponses::beforeRouting);
        }
        return handlers.build();
    }

    /** A handler for a known path and another method. */
    public static void methodNotAllowed(ServerRequest request, ServerResponse response, String path, String allowed) {
        response.header(HeaderNames.ALLOW, allowed);
        send(request, response, OpenAiError.http(405, "Method Not Allowed", path + " takes " + allowed + " only."));
    }

    private static void engine(ServerRequest request, ServerResponse response, EngineException e) {
        OpenAiError error = OpenAiError.of(e);
        if (error.status() == 500) {
            LOGGER.log(Level.WARNING, "generation failed", e);
        }
        send(request, response, error);
    }

    private static void http(ServerRequest request, ServerResponse response, HttpException e) {
        Status status = e.status();
        String message = status.code() == UNKNOWN_ROUTE
                ? "There is no " + request.prologue().method() + " "
                        + request.prologue().uriPath().path() + " here."
                : e.getMessage();
        send(request, response, OpenAiError.http(status.code(), status.reasonPhrase(), message));
    }

    private static void fault(ServerRequest request, ServerResponse response, Throwable e) {
        LOGGER.log(
                Level.ERROR,
                "request failed: " + request.prologue().method() + " "
                        + request.prologue().uriPath().path(),
                e);
        send(request, response, OpenAiError.internal());
    }

    private static void send(ServerRequest request, ServerResponse response, OpenAiError error) {
        response.status(Status.create(error.status()));
        response.header(HeaderNames.CONTENT_TYPE, "application/json");
        error.retryAfterSeconds()
                .ifPresent(seconds -> response.header(HeaderNames.RETRY_AFTER, String.valueOf(seconds)));
        try {
            response.send(body(request, error.json()));
        } catch (RuntimeException e) {
            // The client has left. Thrown on from here Helidon would log it, with its stack, once per such client.
            if (!response.isSent()) {
                throw e;
            }
        }
    }

    /** None for a HEAD, whose client would take it for the beginning of its next answer; Helidon leaves that to us. */
    static byte[] body(ServerRequest request, byte[] body) {
        return request.prologue().method().equals(Method.HEAD) ? new byte[0] : body;
    }

    private static DirectHandler.TransportResponse beforeRouting(
            DirectHandler.TransportRequest request,
            DirectHandler.EventType type,
            Status status,
            ServerResponseHeaders headers,
            String message) {
        if (HEAD_TOO_LARGE.equals(message)) {
            return answer(
                    type,
                    headers,
                    Status.create(431, "Request Header Fields Too Large"),
                    "The head of the request is larger than this server takes.");
        }
        boolean tooLarge = status.code() == Status.REQUEST_ENTITY_TOO_LARGE_413.code();
        String text = tooLarge
                ? "The request body is larger than this server takes."
                : message == null || message.isBlank() ? status.reasonPhrase() : message;
        return answer(type, headers, status, text);
    }

    private static DirectHandler.TransportResponse answer(
            DirectHandler.EventType type, ServerResponseHeaders headers, Status status, String text) {
        OpenAiError error = status.code() == 500
                ? OpenAiError.internal()
                : OpenAiError.http(status.code(), status.reasonPhrase(), text);
        return DirectHandler.TransportResponse.builder()
                .status(status)
                .headers(headers)
                .header(HeaderNames.CONTENT_TYPE, "application/json")
                .keepAlive(type.keepAlive())
                .entity(error.json())
                .build();
    }
}
