package dev.spandrel.sidecar.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsFileTest {
    private static final Set<String> KNOWN = Set.of("grpc-port", "redact-pattern", "otlp-endpoint");

    @TempDir
    private Path folder;

    private SettingsFile read(String yaml) throws IOException, SettingsException {
        return SettingsFile.read(Files.writeString(folder.resolve("sidecar.yaml"), yaml), KNOWN);
    }

    @Test
    void keysAreFlagsAndDestinationsHaveTheExportersOptions() throws Exception {
        SettingsFile file = read("""
                grpc-port: 0x10
                redact-pattern: ['a,b', c]
                otlp-endpoint: h:1
                destinations:
                  archive:
                    endpoint: grpcs://h:2
                    traces-protocol: http/json
                    headers: {authorization: 'Bearer a,b', x: y}
                    concurrency: 3
                """);
        assertThat(file.settings()).isEqualTo(Map.of("grpc-port", "0x10", "redact-pattern", "a,b\nc"));
        assertThat(file.destinations().get("default").variables())
                .isEqualTo(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "h:1"));
        assertThat(file.destinations().get("archive").variables())
                .isEqualTo(Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT",
                        "grpcs://h:2",
                        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
                        "http/json",
                        "OTEL_EXPORTER_OTLP_HEADERS",
                        "authorization=Bearer a%2Cb,x=y"));
        assertThat(file.destinations().get("archive").concurrency()).isEqualTo("3");
    }

    @Test
    void anEmptyFileSaysNothing() throws Exception {
        assertThat(read("# nothing\n").settings()).isEmpty();
    }

    @Test
    void whatCannotBeMeantIsNamed() {
        assertThatThrownBy(() -> read("grcp-port: 1"))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("\"grcp-port\" is no setting; expected one of grpc-port");
        assertThatThrownBy(() -> read("grpc-port: [[1]]")).hasMessageContaining("expected a text, found a list");
        assertThatThrownBy(() -> read("a: b: c")).hasMessageContaining("is not YAML");
        assertThatThrownBy(() -> read("destinations: {A: {endpoint: h}}")).hasMessageContaining("\"A\" cannot name");
        assertThatThrownBy(() -> read("destinations: {a: {endpont: h}}"))
                .hasMessageContaining("\"endpont\" is no option of a destination");
        assertThatThrownBy(() -> SettingsFile.read(folder.resolve("absent"), KNOWN))
                .hasMessageContaining("cannot be read");
    }

    @Test
    void aHigherLayersGeneralOptionBeatsALowerOnesForOneSignal() throws Exception {
        SettingsFile file = read("""
                destinations: {default: {endpoint: low, traces-endpoint: lowTraces, traces-timeout: 5}}
                """);
        DestinationSettings settings = file.destinations().get("default");
        settings.overlay(Map.of(
                "OTEL_EXPORTER_OTLP_ENDPOINT", "high",
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "highLogs",
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", " "));
        assertThat(settings.variables())
                .isEqualTo(Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT", "high",
                        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "highLogs",
                        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "5"));
    }
}
