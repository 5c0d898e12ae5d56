package dev.spandrel.sidecar.receiver;

import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.ServerRequest;
import java.io.IOException;
import java.io.InputStream;

/**
 * The part of a refused body that was not read. Left on the connection, the web server (4.5.0) would take it for the
 * next request, even after {@code Connection: close}; and closing with unread bytes resets the connection, which can
 * destroy the answer on its way. So a bounded rest is read and dropped, and only then is the connection closed or kept.
 */
final class LeftoverBody {
    private static final int MAX_BYTES = 8 << 20;

    private LeftoverBody() {}

    /** Whether the rest is known to be small enough that the connection can be kept. */
    static boolean drainable(ServerRequest request) {
        if (!request.content().hasEntity() || request.content().consumed()) {
            return true;
        }
        return request.headers().contentLength().orElse(Long.MAX_VALUE) <= MAX_BYTES;
    }

    /** Drops what is left; called after the answer was sent. */
    static void discard(ServerRequest request, boolean keepConnection) {
        if (request.content().hasEntity() && !request.content().consumed()) {
            try (InputStream in = request.content().inputStream()) {
                in.skipNBytes(MAX_BYTES);
            } catch (IOException | RuntimeException e) {
                // the end of the body, or a stream that is broken or was closed by its reader: nothing is left of it
            }
        }
        if (!keepConnection) {
            throw new CloseConnectionException("refused, and the rest of the body is not worth reading");
        }
    }
}
