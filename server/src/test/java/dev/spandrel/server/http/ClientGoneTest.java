package dev.spandrel.server.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import dev.spandrel.server.openai.EndedGeneration;
import dev.spandrel.server.telemetry.EngineMetrics;
import io.helidon.webserver.http.Filter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that leave, over real sockets: noticed at once although nothing is being written. */
class ClientGoneTest {
    /** The promise is 100 ms; a loaded machine is given more, and the message still shows the time. */
    private static final Duration NOTICED = Duration.ofMillis(1000);

    private TestServer server;

    /** How a client can leave. */
    enum Leaving {
        CLOSE {
            @Override
            void leave(Socket socket) throws IOException {
                socket.close();
            }
        },
        RESET {
            @Override
            void leave(Socket socket) throws IOException {
                socket.setSoLinger(true, 0);
                socket.close();
            }
        },
        HALF_CLOSE {
            @Override
            void leave(Socket socket) throws IOException {
                socket.shutdownOutput();
            }
        };

        abstract void leave(Socket socket) throws IOException;
    }

    @BeforeEach
    void start() {
        server = TestServer.start(new ScriptedEngine().script(ScriptedGeneration::silent));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    /** Many times, since the server may or may not have run on when the client hangs up. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoHangsUpAfterTheLastByteHasNotLeft(boolean stream) throws IOException {
        List<RuntimeException> failures = new CopyOnWriteArrayList<>();
        Filter filter = (chain, _, _) -> {
            try {
                chain.proceed();
            } catch (RuntimeException e) {
                failures.add(e);
                throw e;
            }
        };
        List<EndedGeneration> ended = new CopyOnWriteArrayList<>();
        int rounds = 300;
        try (TestServer quick = TestServer.start(
                new ScriptedEngine(),
                new EngineMetrics(),
                (_, generations) -> ended.addAll(generations),
                List.of(filter))) {
            for (int i = 0; i < rounds; i++) {
                try (Socket socket = quick.connect()) {
                    send(socket, completion("{\"prompt\":\"a\",\"max_tokens\":1,\"stream\":" + stream + "}"));
                    readUntil(socket, stream ? "[DONE]" : "\"kv_transfer_params\":null}");
                }
            }
            Waiting.until(() -> ended.size() == rounds, "all have ended");
        }
        assertThat(failures).isEmpty();
        assertThat(ended)
                .extracting(generation -> generation.answer().lastByteNanos())
                .doesNotContain(RequestTimings.NOT_REACHED);
    }

    private static void readUntil(Socket socket, String last) throws IOException {
        StringBuilder read = new StringBuilder();
        byte[] buffer = new byte[4096];
        while (read.indexOf(last) < 0) {
            int count = socket.getInputStream().read(buffer);
            if (count < 0) {
                throw new AssertionError("ended without " + last + ": " + read);
            }
            read.append(new String(buffer, 0, count, UTF_8));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "CLOSE,false,1",
        "CLOSE,true,1",
        "RESET,false,1",
        "RESET,true,1",
        "HALF_CLOSE,false,1",
        "HALF_CLOSE,true,1",
        "CLOSE,false,3",
        "CLOSE,true,3"
    })
    void silentGenerationIsClosed(Leaving leaving, boolean stream, int n) throws IOException {
        try (Socket socket = server.connect()) {
            send(socket, completion("{\"prompt\":\"a\",\"stream\":" + stream + ",\"n\":" + n + "}"));
            for (int i = 0; i < n; i++) {
                ScriptedGeneration generation = server.engine().submitted();
                generation.awaitReader();
                if (i == n - 1) {
                    long left = System.nanoTime();
                    leaving.leave(socket);
                    generation.awaitClosed();
                    assertThat(Duration.ofNanos(System.nanoTime() - left)).isLessThan(NOTICED);
                }
            }
        }
    }

    @Test
    void streamThatHasBegunIsClosed() throws IOException {
        try (Socket socket = server.connect()) {
            send(socket, completion("{\"prompt\":\"a\",\"stream\":true}"));
            ScriptedGeneration generation = server.engine().submitted();
            generation.send("first");
            Reader in = new InputStreamReader(socket.getInputStream(), UTF_8);
            readUntil(in, "first");
            Leaving.CLOSE.leave(socket);
            generation.awaitClosed();
        }
    }

    @Test
    void leavingAfterThePipelinedNextRequestIsNoticedToo() throws IOException {
        try (Socket socket = server.connect()) {
            send(socket, completion("{\"prompt\":\"a\"}") + completion("{\"prompt\":\"b\"}"));
            ScriptedGeneration generation = server.engine().submitted();
            generation.awaitReader();
            Leaving.CLOSE.leave(socket);
            generation.awaitClosed();
        }
    }

    @Test
    void pipelinedRequestsAreAnsweredInOrder() throws IOException {
        try (Socket socket = server.connect()) {
            Reader in = new InputStreamReader(socket.getInputStream(), UTF_8);
            send(socket, completion("{\"prompt\":\"a\"}"));
            ScriptedGeneration first = server.engine().submitted();
            first.awaitReader();
            // The rest arrives while the first is watched: its bytes must reach the parser untouched.
            String rest = completion("{\"prompt\":\"b\"}") + "GET /version HTTP/1.1\r\nHost: x\r\n\r\n";
            send(socket, rest.substring(0, 20));
            send(socket, rest.substring(20));
            first.finish("one", FinishReason.STOP);
            readUntil(in, "one");
            server.engine().submitted().finish("two", FinishReason.STOP);
            readUntil(in, "two");
            readUntil(in, "1.2.3");
        }
    }

    @Test
    void aConnectionServesOneRequestAfterAnother() throws IOException {
        try (Socket socket = server.connect()) {
            Reader in = new InputStreamReader(socket.getInputStream(), UTF_8);
            for (int i = 0; i < 20; i++) {
                send(socket, completion("{\"prompt\":\"a\"}"));
                String text = "answer" + i;
                server.engine().submitted().finish(text, FinishReason.STOP);
                readUntil(in, text);
            }
        }
    }

    @Test
    void theNextRequestOfAFinishedOneIsNotTakenForLeaving() throws IOException {
        try (Socket socket = server.connect()) {
            Reader in = new InputStreamReader(socket.getInputStream(), UTF_8);
            send(socket, completion("{\"prompt\":\"a\",\"stream\":true}"));
            ScriptedGeneration first = server.engine().submitted();
            first.finish("one", FinishReason.STOP);
            readUntil(in, "[DONE]");
            send(socket, completion("{\"prompt\":\"b\"}"));
            ScriptedGeneration second = server.engine().submitted();
            second.awaitReader();
            assertThat(second.isClosed()).isFalse();
            second.finish("two", FinishReason.STOP);
            readUntil(in, "two");
        }
    }

    private static String completion(String body) {
        return "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                + body.getBytes(UTF_8).length + "\r\n\r\n" + body;
    }

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(UTF_8));
        socket.getOutputStream().flush();
    }

    /** Reads on until a text has come by; a plain body has no line end to wait for. */
    private static void readUntil(Reader in, String text) throws IOException {
        StringBuilder read = new StringBuilder();
        while (read.indexOf(text) < 0) {
            int next = in.read();
            assertThat(next)
                    .as("the server closed the connection after: %s", read)
                    .isNotNegative();
            read.append((char) next);
        }
    }
}
