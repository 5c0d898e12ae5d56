package dev.spandrel.server.openai;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.server.ListenerSettingsBuilder;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Every limit of a request has its status, and what is over one leaves nothing behind. */
class LimitsTest {
    private static String raw(TestServer server, String request) throws IOException {
        try (Socket socket = server.connect()) {
            socket.getOutputStream().write(request.getBytes(UTF_8));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        }
    }

    @Test
    void aLargeHeadIs431() throws IOException {
        try (TestServer server = TestServer.start(
                new ScriptedEngine(),
                new ListenerSettingsBuilder().maxHeaderBytes(2048).build())) {
            String answer =
                    raw(server, "GET /v1/models HTTP/1.1\r\nHost: x\r\nX-Large: " + "x".repeat(4000) + "\r\n\r\n");
            assertThat(answer).startsWith("HTTP/1.1 431").contains("\"code\":431");
            assertThat(raw(
                            server,
                            "GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Large: " + "x".repeat(1000)
                                    + "\r\n\r\n"))
                    .startsWith("HTTP/1.1 200");
        }
    }

    @Test
    void aLargeBodyIs413() {
        try (TestServer server = TestServer.start(
                new ScriptedEngine(),
                new ListenerSettingsBuilder().maxBodyBytes(100).build())) {
            HttpResponse<String> response = server.post("/v1/completions", "{\"prompt\":\"" + "x".repeat(100) + "\"}");
            assertThat(response.statusCode()).isEqualTo(413);
            assertThat(response.body()).contains("\"code\":413");
            assertThat(server.completion("{\"prompt\":\"a\"}").path("choices").size())
                    .isEqualTo(1);
        }
    }

    @Test
    void oneRequestTooManyIs429AndProbesAreAnsweredStill() throws Exception {
        try (TestServer server = TestServer.start(
                new ScriptedEngine().script(ScriptedGeneration::silent),
                new ListenerSettingsBuilder().maxConcurrentRequests(2).build())) {
            assertThat(load(server)).isZero();
            CompletableFuture<HttpResponse<String>> first = post(server);
            CompletableFuture<HttpResponse<String>> second = post(server);
            ScriptedGeneration one = server.engine().submitted();
            ScriptedGeneration two = server.engine().submitted();
            assertThat(load(server)).isEqualTo(2);
            HttpResponse<String> third = server.post("/v1/completions", "{\"prompt\":\"a\"}");
            assertThat(third.statusCode()).isEqualTo(429);
            assertThat(third.headers().firstValue("Retry-After")).contains("1");
            assertThat(third.body()).contains("\"type\":\"TooManyRequestsError\"", "\"code\":429");
            assertThat(server.get("/health").statusCode()).isEqualTo(200);
            one.finish("one", FinishReason.STOP);
            two.finish("two", FinishReason.STOP);
            assertThat(first.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
            assertThat(second.get(20, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
            Waiting.until(() -> load(server) == 0, "nothing under way");
        }
    }

    @Test
    void aFullQueueIs429WithThePaceOfTheEngine() {
        try (TestServer server = TestServer.start(new ScriptedEngine().script(_ -> {
            throw new EngineException.Rejected("The waiting queue is full", Duration.ofMillis(6500));
        }))) {
            HttpResponse<String> response = server.post("/v1/completions", "{\"prompt\":\"a\"}");
            assertThat(response.statusCode()).isEqualTo(429);
            assertThat(response.headers().firstValue("Retry-After")).contains("7");
        }
    }

    @Test
    void aStoppingServerIsNotWellAndTakesNothing() {
        try (TestServer server = TestServer.start(new ScriptedEngine())) {
            server.draining(true);
            assertThat(server.get("/health").statusCode()).isEqualTo(503);
            assertThat(server.get("/ping").statusCode()).isEqualTo(503);
            HttpResponse<String> refused = server.post("/v1/completions", "{\"prompt\":\"a\"}");
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(refused.headers().firstValue("Retry-After")).isPresent();
            assertThat(server.get("/metrics").statusCode()).isEqualTo(200);
        }
    }

    private static int load(TestServer server) {
        return TestServer.JSON
                .readTree(server.get("/load").body())
                .path("server_load")
                .asInt();
    }

    private static CompletableFuture<HttpResponse<String>> post(TestServer server) {
        return CompletableFuture.supplyAsync(
                () -> server.post("/v1/completions", "{\"prompt\":\"a\"}"),
                task -> Thread.ofVirtual().start(task));
    }
}
