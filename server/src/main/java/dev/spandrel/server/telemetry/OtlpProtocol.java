package dev.spandrel.server.telemetry;

import java.util.Arrays;
import java.util.stream.Collectors;

/** How spans travel; the two protocols vLLM speaks. */
enum OtlpProtocol {
    GRPC("grpc", 4317),
    HTTP_PROTOBUF("http/protobuf", 4318);

    private final String text;
    private final int defaultPort;

    OtlpProtocol(String text, int defaultPort) {
        this.text = text;
        this.defaultPort = defaultPort;
    }

    /** As in {@code OTEL_EXPORTER_OTLP_PROTOCOL}. */
    String text() {
        return text;
    }

    int defaultPort() {
        return defaultPort;
    }

    /**
     * The protocol of that name.
     *
     * @param variable where the name was found
     * @throws TelemetryConfigException when there is none
     */
    static OtlpProtocol of(String variable, String text) {
        return Arrays.stream(values())
                .filter(protocol -> protocol.text.equals(text))
                .findFirst()
                .orElseThrow(() -> new TelemetryConfigException(variable + " must be "
                        + Arrays.stream(values()).map(OtlpProtocol::text).collect(Collectors.joining(" or "))
                        + ", found \"" + text + "\""));
    }
}
