package dev.spandrel.sidecar.transport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How many connections a port takes. What is said on them is the receivers' to test. */
class HttpListenerTest {
    private static final int LIMIT = 2;
    private static final String REQUEST = "GET /anything HTTP/1.1\r\nHost: test\r\n\r\n";

    private final EventLoops loops = EventLoops.open();
    private HttpListener listener;

    @BeforeEach
    void listen() throws IOException {
        listener = HttpListener.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                new Refusing(),
                new HttpTimes(Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofSeconds(1)),
                LIMIT,
                loops);
    }

    @AfterEach
    void close() {
        listener.close();
        loops.close();
    }

    @Test
    void aConnectionTooManyIsToldToComeAgain() throws IOException {
        try (Socket first = connect();
                Socket second = connect()) {
            assertThat(ask(first)).startsWith("HTTP/1.1 418 ");
            assertThat(ask(second)).startsWith("HTTP/1.1 418 ");
            try (Socket third = connect()) {
                // It asks nothing, so that nothing can reset the answer on its way; the end of the stream is the close.
                String answer = new String(third.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
                assertThat(answer)
                        .startsWith("HTTP/1.1 503 Service Unavailable\r\n")
                        .contains("Retry-After: 1\r\n", "Connection: close\r\n")
                        .endsWith("\r\n\r\n");
            }
            assertThat(ask(first)).startsWith("HTTP/1.1 418 ");
        }
    }

    @Test
    void placesOfThoseThatLeftAreTakenAgain() throws IOException {
        for (int i = 0; i < 3 * LIMIT; i++) {
            try (Socket only = connect()) {
                assertThat(ask(only)).startsWith("HTTP/1.1 418 ");
                only.shutdownOutput();
                // The listener has closed its side, so the place is free.
                assertThat(only.getInputStream().readAllBytes()).isEmpty();
            }
        }
    }

    private Socket connect() throws IOException {
        return new Socket(InetAddress.getLoopbackAddress(), listener.port());
    }

    /** The head of the answer, whose body is empty. */
    private static String ask(Socket socket) throws IOException {
        socket.getOutputStream().write(REQUEST.getBytes(StandardCharsets.US_ASCII));
        StringBuilder head = new StringBuilder();
        InputStream in = socket.getInputStream();
        while (!head.toString().endsWith("\r\n\r\n")) {
            int next = in.read();
            assertThat(next).as("after " + head).isNotNegative();
            head.append((char) next);
        }
        return head.toString();
    }

    /** Says no to everything at once. */
    private static final class Refusing implements HttpService {
        private static final HttpAnswer TEAPOT = new HttpAnswer(418, Map.of(), new byte[0]);

        @Override
        public HttpExchange begin(HttpHead head) throws HttpRefusal {
            throw new HttpRefusal(TEAPOT);
        }

        @Override
        public HttpAnswer malformed(String message) {
            return TEAPOT;
        }
    }
}
