package dev.spandrel.server.openai;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;

/** Reads a JSON body from an HTTP request, whole, and refuses other content types. */
final class RequestReader {
    private RequestReader() {}

    /**
     * The bytes of the body.
     *
     * @throws OpenAiException 400, when the client says it is not JSON
     * @throws UncheckedIOException when the client leaves in the middle of it
     */
    static byte[] read(ServerRequest request) {
        request.headers()
                .first(HeaderNames.CONTENT_TYPE)
                .filter(type -> !isJson(type))
                .ifPresent(type -> {
                    throw new OpenAiException(OpenAiError.schema(
                            null, "Unsupported Content-Type `" + type + "`; only `application/json` is allowed."));
                });
        if (!request.content().hasEntity()) {
            return new byte[0];
        }
        try {
            // Not closed: closing reads on to the end, which a body refused in the middle (413) does not have.
            return request.content().inputStream().readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean isJson(String contentType) {
        String type = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        return type.equals("application/json") || type.startsWith("application/") && type.endsWith("+json");
    }
}
