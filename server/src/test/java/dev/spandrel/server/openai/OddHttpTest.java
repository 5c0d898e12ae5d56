package dev.spandrel.server.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ListenerSettingsBuilder;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients whose HTTP is odd or wrong: the fault is theirs and is answered so, and nothing about it is logged as ours. */
class OddHttpTest {
    private static final List<Logger> LOGS = List.of(
            Logger.getLogger(ErrorResponses.class.getName()),
            Logger.getLogger("io.helidon.webserver.http1.Http1Connection"));
    private static final String CHUNKED =
            "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    private static final String NEXT = "GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    private static TestServer server;

    private final List<String> logged = new ArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            synchronized (logged) {
                logged.add(line.getMessage());
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeAll
    static void start() {
        server = TestServer.start(new ScriptedEngine());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @BeforeEach
    void listen() {
        LOGS.forEach(log -> log.addHandler(handler));
    }

    @AfterEach
    void nothingIsOurFault() {
        LOGS.forEach(log -> log.removeHandler(handler));
        synchronized (logged) {
            assertThat(logged).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "zz\r\n{}\r\n",
                "-1\r\n",
                "ffffffffffffffff\r\n",
                "2;name=value\r\n{}\r\n0\r\n\r\n",
                "1\r\n{}\r\n0\r\n\r\n"
            })
    void aChunkThatIsNoneIs400AndNothingBehindItIsRead(String chunks) throws IOException {
        String answer = raw(server, CHUNKED + chunks + NEXT);
        assertThat(answer).startsWith("HTTP/1.1 400").contains("\"code\":400", "chunk");
        assertThat(answer).as("what follows is not a request").doesNotContain("\"version\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PO",
                "POST /v1/comp",
                "POST /v1/completions HTTP/1.1\r\nHo",
                "POST /v1/completions HTTP/1.1\r\nHost: x\r\nX-A: b",
                "POST /v1/completions HTTP/1.1\r\nHost: x\r\n\r",
                "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
                "POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{",
                "POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4"
            })
    void aRequestThatEndsTooSoonIsAClientThatLeft(String beginning) throws IOException {
        try (Socket socket = server.connect()) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(beginning.getBytes(UTF_8));
            socket.shutdownOutput();
            assertThat(new String(socket.getInputStream().readAllBytes(), UTF_8))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/health", "/nothing", "/v1/completions"})
    void anErrorForAHeadHasNoBody(String path) throws IOException {
        String answers = raw(server, "HEAD " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" + NEXT);
        String[] each = answers.split("HTTP/1\\.1 ", -1);
        assertThat(each).as(answers).hasSize(3);
        assertThat(each[1]).startsWith("40").endsWith("\r\n\r\n");
        assertThat(each[2]).startsWith("200").contains("\"version\"");
    }

    @Test
    void aHeadWithoutAKeyHasNoBodyEither() throws IOException {
        try (TestServer guarded = TestServer.start(
                new ScriptedEngine(),
                new ListenerSettingsBuilder().keys("secret").build())) {
            assertThat(raw(guarded, "HEAD /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
                    .startsWith("HTTP/1.1 401")
                    .contains("WWW-Authenticate")
                    .endsWith("\r\n\r\n");
        }
    }

    @Test
    void brokenJsonIsToldInWordsForClients() {
        assertThat(server.post("/v1/completions", "{\"prompt\":[1").body())
                .contains("not valid JSON", "line 1")
                .doesNotContain("REDACTED", "Feature");
    }

    private static String raw(TestServer to, String request) throws IOException {
        try (Socket socket = to.connect()) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(UTF_8));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        }
    }
}
