package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import dev.spandrel.server.telemetry.EngineMetrics;
import io.helidon.webserver.http.ServerRequest;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What the log tells of generations; vLLM's tests of its request logger. */
class RequestLogTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678901234Z");

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();

    private static RequestLog log(OutputStream out, boolean outputs, int maxLength) {
        return new RequestLog(
                new RequestLog.Settings(outputs, maxLength < 0 ? OptionalInt.empty() : OptionalInt.of(maxLength)),
                new PrintStream(out),
                () -> NOW);
    }

    private static TestServer server(GenerationListener listener) {
        return TestServer.start(new ScriptedEngine(), new EngineMetrics(), listener, List.of());
    }

    private JsonNode line(boolean outputs, int maxLength, String path, String body) {
        try (RequestLog log = log(written, outputs, maxLength);
                TestServer server = server(log)) {
            assertThat(server.post(path, body).statusCode()).isEqualTo(200);
            Waiting.until(() -> text().endsWith("\n"), "a line");
        }
        assertThat(text().lines()).hasSize(1);
        return TestServer.JSON.readTree(text());
    }

    private String text() {
        return written.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aLineTellsPromptAndValuesInForce() {
        JsonNode line =
                line(false, -1, "/v1/completions", "{\"prompt\":\"a b\",\"max_tokens\":2,\"top_p\":0.5,\"seed\":7}");
        assertThat(line.path("time").asString()).isEqualTo("2026-01-02T03:04:05.678901Z");
        assertThat(line.path("request_id").asString()).startsWith("cmpl-");
        assertThat(line.path("model").asString()).isEqualTo("scripted");
        assertThat(line.path("stream").asBoolean()).isFalse();
        assertThat(line.at("/messages/0/content").asString()).isEqualTo("a b");
        assertThat(line.at("/params/max_tokens").asInt()).isEqualTo(2);
        assertThat(line.at("/params/top_p").asDouble()).isEqualTo(0.5);
        assertThat(line.at("/params/seed").asInt()).isEqualTo(7);
        assertThat(line.at("/params/n").asInt()).isEqualTo(1);
        assertThat(line.path("completion_tokens").asInt()).isEqualTo(2);
        assertThat(line.path("finish_reason").asString()).isEqualTo("length");
        assertThat(line.has("output")).as("not without --enable-log-outputs").isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void outputsAreToldPlainAndStreamed(boolean stream) {
        JsonNode line = line(
                true,
                -1,
                "/v1/chat/completions",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":3,\"stream\":" + stream + "}");
        assertThat(line.path("output").asString()).isEqualTo(" w0 w1 w2");
        assertThat(line.path("stream").asBoolean()).isEqualTo(stream);
    }

    @Test
    void promptsAndOutputsAreCut() {
        JsonNode line = line(
                true,
                5,
                "/v1/chat/completions",
                "{\"messages\":[{\"role\":\"system\",\"content\":\"abc\"},{\"role\":\"user\",\"content\":\"defgh\"}],\"max_tokens\":3}");
        assertThat(line.at("/messages/0/content").asString()).isEqualTo("abc");
        assertThat(line.at("/messages/1/content").asString()).isEqualTo("de");
        assertThat(line.path("output").asString()).isEqualTo(" w0 w");
    }

    @Test
    void tokenIdsAreCutTooAndNoCharacterIsHalved() {
        assertThat(line(true, 4, "/v1/completions", "{\"prompt\":[11,12,13],\"max_tokens\":1}")
                        .at("/messages/0/content")
                        .asString())
                .isEqualTo("[11,");
        written.reset();
        assertThat(line(true, 2, "/v1/completions", "{\"prompt\":\"a\uD83D\uDE00\",\"max_tokens\":1}")
                        .at("/messages/0/content")
                        .asString())
                .isEqualTo("a");
    }

    @Test
    void nothingIsKeptOfTextsAtLengthZero() {
        JsonNode line = line(true, 0, "/v1/completions", "{\"prompt\":\"a\",\"max_tokens\":1}");
        assertThat(line.at("/messages/0/content").asString()).isEmpty();
        assertThat(line.path("output").asString()).isEmpty();
    }

    @Test
    void anEmbeddingHasALinePerText() {
        try (RequestLog log = log(written, false, 3);
                TestServer server = server(log)) {
            assertThat(server.post("/v1/embeddings", "{\"input\":[\"a b\",\"c\"],\"session_id\":\"s\"}")
                            .statusCode())
                    .isEqualTo(200);
            Waiting.until(() -> text().lines().count() == 2, "two lines");
        }
        List<JsonNode> lines = text().lines().map(TestServer.JSON::readTree).toList();
        assertThat(lines.getFirst().path("operation").asString()).isEqualTo("embeddings");
        assertThat(lines.getFirst().path("session_id").asString()).isEqualTo("s");
        assertThat(lines.getFirst().at("/messages/0/content").asString()).isEqualTo("a b");
        assertThat(lines.getFirst().path("prompt_tokens").asInt()).isEqualTo(2);
        assertThat(lines.getFirst().path("dimensions").asInt()).isEqualTo(3);
        assertThat(lines.getFirst().path("finish_reason").asString()).isEqualTo("stop");
        assertThat(lines.getLast().at("/messages/0/content").asString()).isEqualTo("c");
        assertThat(lines.getLast().path("request_id").asString())
                .startsWith("embd-")
                .endsWith("-1");
    }

    @Test
    void aRefusedRequestTellsWhyAndNotWhatItSaid() {
        try (RequestLog log = log(written, false, -1);
                TestServer server = server(log)) {
            server.post("/v1/completions", "{\"prompt\":\"secret\",\"model\":\"nobodys\",\"request_id\":\"r\"}");
            server.post("/v1/completions", "{\"prompt\"");
            Waiting.until(() -> text().lines().count() == 2, "two lines");
        }
        List<JsonNode> lines = text().lines().map(TestServer.JSON::readTree).toList();
        assertThat(lines.getFirst().path("status").asInt()).isEqualTo(404);
        assertThat(lines.getFirst().path("request_id").asString()).isEqualTo("cmpl-r-0");
        assertThat(lines.getFirst().path("model").asString()).isEqualTo("nobodys");
        assertThat(lines.getFirst().path("error").asString()).contains("nobodys");
        assertThat(lines.getLast().path("status").asInt()).isEqualTo(400);
        assertThat(lines.getLast().path("model").isNull()).isTrue();
        assertThat(text()).doesNotContain("secret");
    }

    @Test
    void aLogThatTakesNothingDelaysNobodyAndSaysWhatItDropped() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        OutputStream stuck = new OutputStream() {
            @Override
            public void write(int b) {
                write(new byte[] {(byte) b}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int from, int count) {
                Waiting.on(release, "the log to be read again");
                synchronized (written) {
                    written.write(bytes, from, count);
                }
            }
        };
        String body = "{\"prompt\":\"" + "x".repeat(9_000_000) + "\",\"max_tokens\":1}";
        try (RequestLog log = log(stuck, false, -1);
                TestServer server = TestServer.patient(new ScriptedEngine(), log)) {
            for (int i = 0; i < 6; i++) {
                assertThat(server.post("/v1/completions", body).statusCode()).isEqualTo(200);
            }
            // The end of a request is heard after its answer is read; a line more would find room once the log is read.
            Waiting.until(() -> log.dropped() == 3, "three dropped lines");
            release.countDown();
            Waiting.until(() -> text().contains("dropped_lines"), "the count of what was dropped");
        }
        // Without the lines themselves, which are nine million characters each.
        assertThat(text().lines()
                        .mapToInt(String::length)
                        .filter(length -> length > 9_000_000)
                        .count())
                .isEqualTo(3);
        assertThat(text().lines().filter(line -> line.length() < 100)).containsExactly("{\"dropped_lines\":3}");
    }

    @Test
    void whoDidNotAskForTheContentDoesNotGetIt() {
        List<EndedGeneration> heard = new ArrayList<>();
        List<EndedEmbedding> embedded = new ArrayList<>();
        GenerationListener other = new GenerationListener() {
            @Override
            public void onEmbedded(ServerRequest request, List<EndedEmbedding> embeddings) {
                synchronized (heard) {
                    embedded.addAll(embeddings);
                }
            }

            @Override
            public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
                synchronized (heard) {
                    heard.addAll(generations);
                }
            }
        };
        try (RequestLog log = log(written, false, -1);
                TestServer server = server(GenerationListener.of(List.of(log, other)))) {
            server.completion("{\"prompt\":\"a\"}");
            server.post("/v1/embeddings", "{\"input\":\"b\"}");
            Waiting.until(
                    () -> {
                        synchronized (heard) {
                            return !heard.isEmpty() && !embedded.isEmpty();
                        }
                    },
                    "the end");
        }
        assertThat(heard.getFirst().content()).isEmpty();
        assertThat(embedded.getFirst().input()).isEmpty();
        assertThat(text()).contains("\"content\":\"b\"");
        assertThat(text()).contains("\"content\":\"a\"");
    }
}
