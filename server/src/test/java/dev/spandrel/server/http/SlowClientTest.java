package dev.spandrel.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import java.io.IOException;
import java.net.Socket;
import org.junit.jupiter.api.Test;

/** A client that does not read blocks only itself, and not for ever. */
class SlowClientTest {
    /** More than loopback's socket buffers hold. */
    private static final String LARGE = "x".repeat(16 * 1024 * 1024);

    @Test
    void stalledStreamIsGivenUpWhileOthersGoOn() throws IOException {
        try (TestServer server = TestServer.start(new ScriptedEngine())) {
            server.engine().script(ScriptedGeneration::silent);
            try (Socket stalled = server.connect()) {
                request(stalled, true);
                ScriptedGeneration generation = server.engine().submitted();
                generation.send(LARGE);
                server.engine().script(ScriptedGeneration::words);
                assertThat(server.completion("{\"prompt\":\"b\"}")
                                .path("choices")
                                .size())
                        .isEqualTo(1);
                generation.awaitClosed();
            }
        }
    }

    @Test
    void stalledPlainAnswerIsGivenUp() throws IOException {
        try (TestServer server = TestServer.start(new ScriptedEngine())) {
            server.engine().script(ScriptedGeneration::silent);
            try (Socket stalled = server.connect()) {
                request(stalled, false);
                ScriptedGeneration generation = server.engine().submitted();
                generation.finish(LARGE, FinishReason.STOP);
                generation.awaitClosed();
            }
        }
    }

    @Test
    void stalledUploadIsGivenUp() throws IOException {
        try (TestServer server = TestServer.start(new ScriptedEngine())) {
            for (String path : new String[] {"/v1/completions", "/tokenize"}) {
                try (Socket client = server.connect()) {
                    client.getOutputStream()
                            .write(("POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"prompt\"")
                                    .getBytes(UTF_8));
                    // The end of the stream, or a reset; the socket's own timeout would be another exception.
                    assertThat(endOf(client)).isTrue();
                }
            }
            assertThat(server.engine().running()).isZero();
            assertThat(server.completion("{\"prompt\":\"b\"}").path("choices").size())
                    .isEqualTo(1);
        }
    }

    private static boolean endOf(Socket client) throws IOException {
        try {
            return client.getInputStream().read() < 0;
        } catch (java.net.SocketException e) {
            return true;
        }
    }

    private static void request(Socket socket, boolean stream) throws IOException {
        String body = "{\"prompt\":\"a\",\"stream\":" + stream + "}";
        socket.getOutputStream()
                .write(("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: " + body.length() + "\r\n\r\n"
                                + body)
                        .getBytes(UTF_8));
        socket.getOutputStream().flush();
    }
}
