package dev.spandrel.server.process;

import java.util.Map;

/** The two ways to send spans, each written as vLLM's OpenTelemetry example writes it. */
enum Protocol {
    GRPC("grpc"),
    HTTP("http/protobuf gzip");

    private final String transport;

    Protocol(String transport) {
        this.transport = transport;
    }

    /** As {@link ReceivedSpan#transport} calls it. */
    String transport() {
        return transport;
    }

    /** Adds flag and variables that send a server's traces to a port. */
    Launcher pointServer(Launcher server, int port) {
        return this == GRPC
                ? server.and("--otlp-traces-endpoint=grpc://127.0.0.1:" + port)
                        .with("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "true")
                : server.with(traces(port));
    }

    /** The variables that send traces to a port. */
    Map<String, String> traces(int port) {
        return this == GRPC
                ? Map.of(
                        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                        "grpc://127.0.0.1:" + port,
                        "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
                        "true")
                : Map.of(
                        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf",
                        "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip",
                        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:" + port + "/v1/traces");
    }

    /** The variables that send every signal to a port. */
    Map<String, String> everything(int port) {
        return this == GRPC
                ? Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + port)
                : Map.of(
                        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf",
                        "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip",
                        "OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + port);
    }

    int port(OtlpBackend backend) {
        return this == GRPC ? backend.grpcPort() : backend.httpPort();
    }
}
