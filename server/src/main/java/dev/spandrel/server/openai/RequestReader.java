package dev.spandrel.server.openai;

import dev.spandrel.server.http.WriteWatchdog;
import io.helidon.common.buffers.DataReader;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerRequest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Locale;
import java.util.Optional;

/** Reads a JSON body from an HTTP request, whole, and refuses other content types. */
final class RequestReader {
    private static final int PIECE = 8 * 1024;

    private RequestReader() {}

    /**
     * The bytes of the body.
     *
     * @param watchdog ends the wait for a client that stops in the middle
     * @throws OpenAiException 400, when the client says it is not JSON, or sends chunks that are none
     * @throws CloseConnectionException when the client leaves or stops in the middle of it, the latter for as long as it may
     *     leave an answer unread
     * @throws UncheckedIOException when it cannot be read
     */
    static byte[] read(ServerRequest request, WriteWatchdog watchdog) {
        request.headers()
                .first(HeaderNames.CONTENT_TYPE)
                .filter(type -> !isJson(type))
                .ifPresent(type -> {
                    throw new OpenAiException(OpenAiError.schema(
                            null, "Unsupported Content-Type `" + type + "`; only `application/json` is allowed."));
                });
        Optional<ReadBody> read = request.context().get(ReadBody.class);
        if (read.isPresent()) {
            return read.get().bytes();
        }
        if (!request.content().hasEntity()) {
            return new byte[0];
        }
        WriteWatchdog.Writer wait = watchdog.writer();
        try (wait) {
            // Not closed: closing reads on to the end, which a body refused in the middle (413) does not have.
            return read(request.content().inputStream(), wait);
        } catch (IOException | RuntimeException e) {
            throw wait.stalled()
                    ? new CloseConnectionException("the client stopped in the middle of its request", e)
                    : failure(e);
        }
    }

    /** Helidon 4.5.0 lets through what its reading of numbers says of the length of a chunk, extensions of chunks included. */
    private static RuntimeException failure(Exception e) {
        return switch (e) {
            case NumberFormatException number ->
                new OpenAiException(OpenAiError.schema(
                        "body", "The body's chunks cannot be read: expected a length, " + number.getMessage()));
            case DataReader.InsufficientDataAvailableException end ->
                new CloseConnectionException("the client left in the middle of its request", end);
            case IOException io -> new UncheckedIOException(io);
            default -> (RuntimeException) e;
        };
    }

    private static byte[] read(InputStream in, WriteWatchdog.Writer wait) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        byte[] piece = new byte[PIECE];
        int[] length = new int[1];
        while (length[0] >= 0) {
            body.write(piece, 0, length[0]);
            wait.write(() -> length[0] = in.read(piece));
        }
        return body.toByteArray();
    }

    private static boolean isJson(String contentType) {
        String type = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        return type.equals("application/json") || type.startsWith("application/") && type.endsWith("+json");
    }
}
