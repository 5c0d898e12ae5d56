package dev.spandrel.sidecar.json;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.PartialSuccess;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/** Reads the JSON form of {@code Export…Response} and of {@code google.rpc.Status}. */
public final class JsonResponse {
    private static final JsonFactory FACTORY = new JsonFactory();

    private long rejected;
    private String errorMessage = "";
    private String message = "";

    private JsonResponse() {}

    /** The partial success in a response; none where the body is empty or has none. */
    public static PartialSuccess partialSuccess(byte[] body) throws MalformedTelemetryException {
        JsonResponse read = read(body);
        return new PartialSuccess(Math.max(0, read.rejected), read.errorMessage);
    }

    /** The message of a status; empty where there is none or the body is not JSON. */
    public static String statusMessage(byte[] body) {
        try {
            return read(body).message;
        } catch (MalformedTelemetryException e) {
            return "";
        }
    }

    private static JsonResponse read(byte[] body) throws MalformedTelemetryException {
        JsonResponse response = new JsonResponse();
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), body)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                response.take(parser, token);
            }
            return response;
        } catch (JacksonException e) {
            throw new MalformedTelemetryException("not JSON: " + e.getOriginalMessage(), e);
        }
    }

    private void take(JsonParser parser, JsonToken token) throws MalformedTelemetryException {
        String name = parser.currentName();
        if (name == null || !token.isScalarValue()) {
            return;
        }
        if (name.startsWith("rejected")) {
            rejected = count(parser.getString());
        } else if (name.equals("errorMessage")) {
            errorMessage = parser.getString();
        } else if (name.equals("message")) {
            message = parser.getString();
        }
    }

    private static long count(String text) throws MalformedTelemetryException {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new MalformedTelemetryException("expected a count of rejected items, found \"" + text + "\"", e);
        }
    }
}
