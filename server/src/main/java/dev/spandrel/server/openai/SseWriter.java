package dev.spandrel.server.openai;

import dev.spandrel.server.http.WriteWatchdog;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.RoutingResponse;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes server-sent events as OpenAI does ({@code data: …} with the space, a blank line after each) and flushes each,
 * since a token in a buffer is a token late. Status and headers go out with the first event, so what fails before it can
 * still have its own status.
 */
final class SseWriter {
    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END = "\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

    private final ServerResponse response;
    private final WriteWatchdog.Writer watched;
    private OutputStream out;

    SseWriter(ServerResponse response, WriteWatchdog.Writer watched) {
        this.response = response;
        this.watched = watched;
    }

    /** Whether an event has been written, so that the status can no longer change. */
    boolean started() {
        return out != null;
    }

    /** One event; the data holds no line break, which JSON guarantees. */
    void event(byte[] data) throws IOException {
        byte[] event = new byte[DATA.length + data.length + END.length];
        System.arraycopy(DATA, 0, event, 0, DATA.length);
        System.arraycopy(data, 0, event, DATA.length, data.length);
        System.arraycopy(END, 0, event, DATA.length + data.length, END.length);
        write(event);
    }

    /** An event with a name. */
    void event(String name, byte[] data) throws IOException {
        byte[] head = ("event: " + name + "\n").getBytes(StandardCharsets.US_ASCII);
        byte[] named = new byte[head.length + DATA.length + data.length + END.length];
        System.arraycopy(head, 0, named, 0, head.length);
        System.arraycopy(DATA, 0, named, head.length, DATA.length);
        System.arraycopy(data, 0, named, head.length + DATA.length, data.length);
        System.arraycopy(END, 0, named, named.length - END.length, END.length);
        write(named);
    }

    private void write(byte[] event) throws IOException {
        open();
        watched.write(() -> {
            out.write(event);
            out.flush();
        });
    }

    /** The event that ends every stream of completions, and the end of the body. */
    void done() throws IOException {
        event(DONE);
        end();
    }

    /** The end of the body. */
    void end() throws IOException {
        // Helidon writes the terminating chunk only after the handler, where nobody watches the write.
        if (response instanceof RoutingResponse routed) {
            watched.write(routed::commit);
        }
    }

    private void open() {
        if (out == null) {
            response.header(HeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8");
            response.header(HeaderNames.CACHE_CONTROL, "no-cache");
            out = response.outputStream();
        }
    }
}
