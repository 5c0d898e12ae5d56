package dev.spandrel.server.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.telemetry.TraceBackend;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** The example client against a server and a backend. */
class ClientCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @AfterEach
    void clear() {
        System.clearProperty("otel.exporter.otlp.traces.endpoint");
        System.clearProperty("otel.exporter.otlp.traces.protocol");
    }

    @ParameterizedTest
    @CsvSource({"grpc,false", "http/protobuf,true"})
    void printsTextAndTraceIdAndDeliversItsSpan(String protocol, boolean stream) throws IOException {
        try (TraceBackend backend = new TraceBackend();
                TestServer server = TestServer.start(new ScriptedEngine())) {
            export(
                    protocol,
                    protocol.equals("grpc")
                            ? "grpc://127.0.0.1:" + backend.grpcPort()
                            : "http://127.0.0.1:" + backend.httpPort() + "/v1/traces");
            int code = run(
                    "--base-url",
                    "http://localhost:" + server.port(),
                    "--max-tokens",
                    "3",
                    stream ? "--stream" : "Once",
                    stream ? "Once" : "--model=alias");
            assertThat(err.toString()).isEmpty();
            assertThat(code).isZero();
            assertThat(backend.spans()).hasSize(1);
            Span span = backend.spans().getFirst();
            assertThat(span.getName()).isEqualTo("client-span");
            assertThat(span.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_CLIENT);
            assertThat(span.getAttributesList().toString()).contains("prompt").contains("Once");
            String traceId = HexFormat.of().formatHex(span.getTraceId().toByteArray());
            assertThat(out.toString()).isEqualToNormalizingNewlines(" w0 w1 w2\ntrace id: " + traceId + "\n");
        }
    }

    @Test
    void absentServerIsOneLine() throws IOException {
        int port = freePort();
        export("grpc", "127.0.0.1:" + freePort());
        assertThat(run("--base-url", "http://127.0.0.1:" + port, "Once")).isOne();
        assertThat(err.toString().lines())
                .containsExactly(
                        "no server at http://127.0.0.1:" + port + "/v1/completions; start one with: spandrel serve");
    }

    @Test
    void absentBackendIsOneLineBehindTheText() throws IOException {
        try (TestServer server = TestServer.start(new ScriptedEngine())) {
            export("grpc", "127.0.0.1:" + freePort());
            assertThat(run("--base-url", "http://localhost:" + server.port(), "Once"))
                    .isZero();
            assertThat(out.toString()).contains("trace id: ");
            assertThat(err.toString().lines()).singleElement().asString().startsWith("the trace was not delivered");
        }
    }

    @Test
    void refusalIsOneLine() throws IOException {
        try (TestServer server = TestServer.start(new ScriptedEngine())) {
            export("grpc", "127.0.0.1:" + freePort());
            assertThat(run("--base-url", "http://localhost:" + server.port(), "--model", "other", "Once"))
                    .isOne();
            assertThat(err.toString()).contains("the server refused (404): The model `other` does not exist.");
        }
    }

    private int run(String... args) {
        CommandLine line = new CommandLine(new ClientCommand());
        line.setOut(new PrintWriter(out, true));
        line.setErr(new PrintWriter(err, true));
        line.setExecutionExceptionHandler((e, _, _) -> {
            err.append(e.getMessage()).append('\n');
            return 1;
        });
        return line.execute(args);
    }

    private static void export(String protocol, String endpoint) {
        System.setProperty("otel.exporter.otlp.traces.protocol", protocol);
        System.setProperty("otel.exporter.otlp.traces.endpoint", endpoint);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
