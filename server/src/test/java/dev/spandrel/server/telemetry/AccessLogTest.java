package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import io.helidon.webserver.http.Filter;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A line per request, with the ids of the span that a backend has; and a log that takes nothing delays nobody. */
class AccessLogTest {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final String TRACEPARENT = "00-" + TRACE + "-00f067aa0ba902b7-01";
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678901234Z");

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final AccessLog log = log(written);

    private static AccessLog log(OutputStream out) {
        return new AccessLog(new PrintStream(out), Set.of("/health"), () -> NOW, System::nanoTime);
    }

    private static TestServer server(Filter... filters) {
        return TestServer.start(new ScriptedEngine(), new EngineMetrics(), (_, _) -> {}, List.of(filters));
    }

    private List<JsonNode> lines(int count) {
        Waiting.until(() -> text().lines().count() == count, count + " lines");
        return text().lines().map(TestServer.JSON::readTree).toList();
    }

    private String text() {
        return written.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aLineNamesTheSpanOfItsRequest() {
        InMemorySpanExporter spans = InMemorySpanExporter.create();
        SpanIds ids = new SpanIds();
        Telemetry telemetry = Telemetry.of(
                OpenTelemetrySdk.builder()
                        .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
                        .setTracerProvider(SdkTracerProvider.builder()
                                .setIdGenerator(ids)
                                .addSpanProcessor(SimpleSpanProcessor.create(spans))
                                .build())
                        .build(),
                ids);
        HttpSpans http = new HttpSpans(telemetry, Set.of("/v1/models"), InstantSource.system(), System::nanoTime);
        try (TestServer server = server(http, log)) {
            server.get("/v1/models");
            JsonNode line = lines(1).getFirst();
            Waiting.until(() -> spans.getFinishedSpanItems().size() == 1, "the span");
            assertThat(line.path("trace_id").asString())
                    .isEqualTo(spans.getFinishedSpanItems().getFirst().getTraceId());
            assertThat(line.path("span_id").asString())
                    .isEqualTo(spans.getFinishedSpanItems().getFirst().getSpanId());
        }
    }

    @Test
    void withoutTracingItNamesTheClients() {
        try (TestServer server = server(log)) {
            server.post(
                    "/v1/completions",
                    "{}",
                    "traceparent",
                    TRACEPARENT,
                    "User-Agent",
                    "test/1",
                    "X-Request-Id",
                    "r\"1");
            JsonNode line = lines(1).getFirst();
            assertThat(line.propertyNames())
                    .containsExactly(
                            "time",
                            "method",
                            "path",
                            "status",
                            "client_gone",
                            "duration_ms",
                            "response_bytes",
                            "client_address",
                            "user_agent",
                            "request_id",
                            "trace_id",
                            "span_id");
            assertThat(line.path("time").asString()).isEqualTo("2026-01-02T03:04:05.678901Z");
            assertThat(line.path("path").asString()).isEqualTo("/v1/completions");
            assertThat(line.path("status").asInt()).isEqualTo(400);
            assertThat(line.path("trace_id").asString()).isEqualTo(TRACE);
            assertThat(line.path("user_agent").asString()).isEqualTo("test/1");
            assertThat(line.path("request_id").asString()).isEqualTo("r\"1");
            assertThat(line.path("response_bytes").asInt()).isPositive();
        }
    }

    @Test
    void aConversationIsNamedWhereThereIsOne() {
        try (TestServer server = server(log)) {
            server.post("/v1/completions", "{\"prompt\":\"a\",\"session_id\":\"s\"}", "X-Session-ID", "other");
            assertThat(lines(1).getFirst().path("session_id").asString()).isEqualTo("s");
        }
    }

    @Test
    void whatIsLeftOutHasNone() {
        try (TestServer server = server(log)) {
            server.get("/health");
            server.get("/version");
            assertThat(lines(1).getFirst().path("path").asString()).isEqualTo("/version");
        }
    }

    @Test
    void aClientThatLeftHasALineToo() throws IOException {
        try (TestServer server = server(log)) {
            server.engine().script(ScriptedGeneration::silent);
            try (Socket socket = server.connect()) {
                socket.getOutputStream()
                        .write(
                                "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n{\"prompt\":\"a\"}"
                                        .getBytes(StandardCharsets.UTF_8));
                server.engine().submitted().awaitReader();
            }
            JsonNode line = lines(1).getFirst();
            assertThat(line.path("client_gone").asBoolean()).isTrue();
            assertThat(line.path("status").isNull()).isTrue();
        }
    }

    @Test
    void aLogThatTakesNothingDelaysNobody() {
        CountDownLatch go = new CountDownLatch(1);
        AccessLog stuck = log(new OutputStream() {
            @Override
            public void write(int value) {
                Waiting.on(go, "leave to write");
            }

            @Override
            public void write(byte[] bytes, int offset, int length) {
                Waiting.on(go, "leave to write");
            }
        });
        try (TestServer server = server(stuck)) {
            for (int i = 0; i < 100; i++) {
                assertThat(server.get("/version").statusCode()).isEqualTo(200);
            }
        } finally {
            go.countDown();
            stuck.close();
        }
    }
}
