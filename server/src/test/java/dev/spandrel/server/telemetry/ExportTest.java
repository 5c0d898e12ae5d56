package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Spans over the wire, by both protocols, to a backend that shares no code with us. */
class ExportTest {
    private TraceBackend backend;

    @BeforeEach
    void start() throws IOException {
        backend = new TraceBackend();
    }

    @AfterEach
    void stop() {
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http/protobuf"})
    void closingFlushesBothSpansOfARequest(String protocol) {
        Telemetry telemetry =
                Telemetry.start(settings(protocol), "test-service", Map.of("hw.name", "a GPU"), Duration.ofSeconds(10));
        HttpSpans http = new HttpSpans(telemetry, Set.of("/v1/completions"), InstantSource.system(), System::nanoTime);
        GenerationSpans generations =
                new GenerationSpans(telemetry, TraceSettings.DEFAULT, InstantSource.system(), System::nanoTime);
        try (TestServer server =
                TestServer.start(new ScriptedEngine(), new EngineMetrics(), generations, List.of(http))) {
            server.completion("{\"prompt\":\"a\"}");
        }
        telemetry.close();
        assertThat(backend.spans())
                .extracting(Span::getName)
                .containsExactlyInAnyOrder("llm_request", "POST /v1/completions");
        assertThat(backend.resources())
                .allSatisfy(resource ->
                        assertThat(resource.toString()).contains("service.name", "test-service", "hw.name", "a GPU"));
    }

    @Test
    void absentBackendHoldsUpTheEndForTheFlushTimeoutOnly() {
        int port = backend.grpcPort();
        backend.close();
        OtlpSettings gone = new OtlpSettings(Optional.of(URI.create("http://127.0.0.1:" + port)), "grpc", false);
        Telemetry telemetry = Telemetry.start(gone, "test-service", Map.of(), Duration.ofMillis(500));
        telemetry.tracer().spanBuilder("lost").startSpan().end();
        long start = System.nanoTime();
        telemetry.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
    }

    @Test
    void badVariablesFailAtTheStart() {
        System.setProperty("otel.bsp.max.queue.size", "many");
        try {
            assertThatThrownBy(() -> Telemetry.start(settings("grpc"), "test-service", Map.of(), Duration.ofSeconds(1)))
                    .isInstanceOf(TelemetryConfigException.class)
                    .hasMessageContaining("otel.bsp.max.queue.size");
        } finally {
            System.clearProperty("otel.bsp.max.queue.size");
        }
    }

    private OtlpSettings settings(String protocol) {
        String endpoint = protocol.equals("grpc")
                ? "http://127.0.0.1:" + backend.grpcPort()
                : "http://127.0.0.1:" + backend.httpPort() + "/v1/traces";
        return new OtlpSettings(Optional.of(URI.create(endpoint)), protocol, false);
    }
}
