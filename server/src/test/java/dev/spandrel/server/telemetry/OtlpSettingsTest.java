package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Flag and variables to one endpoint and one protocol. */
class OtlpSettingsTest {
    private static final String TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    private static final String GENERAL = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private static final String TRACES_PROTOCOL = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
    private static final String GENERAL_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL";

    @ParameterizedTest
    @CsvSource({
        "grpc://h:4317,http://h:4317",
        "h:4317,http://h:4317",
        "h,http://h:4317",
        "127.0.0.1:9,http://127.0.0.1:9",
        "[::1]:9,http://[::1]:9",
        "grpcs://h:1,https://h:1",
        "https://h:1,https://h:1",
        "http://h:1/ignored,http://h:1",
        "GRPC://h:1,http://h:1"
    })
    void grpcEndpoints(String given, String expected) {
        assertThat(endpoint(given, Map.of())).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "http://h:4318/v1/traces,http://h:4318/v1/traces,http://h:4318/v1/traces",
        "https://h/otlp?k=v,https://h/otlp?k=v,https://h/otlp?k=v",
        "http://h:4318,http://h:4318/v1/traces,http://h:4318",
        "h:4318,http://h:4318/v1/traces,http://h:4318/v1/traces",
        "grpc://h:4318,http://h:4318/v1/traces,http://h:4318/v1/traces",
        "h,http://h:4318/v1/traces,http://h:4318/v1/traces"
    })
    void httpEndpointsGetThePathWhereTheyHaveNoneButAUrlInTheTracesVariable(
            String given, String byFlag, String byVariable) {
        assertThat(endpoint(given, Map.of(TRACES_PROTOCOL, "http/protobuf"))).isEqualTo(byFlag);
        assertThat(endpoint(null, Map.of(TRACES_PROTOCOL, "http/protobuf", TRACES, given)))
                .isEqualTo(byVariable);
    }

    @ParameterizedTest
    @CsvSource({
        "http://h:4318,http://h:4318/v1/traces",
        "http://h:4318/,http://h:4318/v1/traces",
        "http://h:4318/otlp,http://h:4318/otlp/v1/traces"
    })
    void generalHttpEndpointGetsThePath(String given, String expected) {
        assertThat(endpoint(null, Map.of(GENERAL_PROTOCOL, "http/protobuf", GENERAL, given)))
                .isEqualTo(expected);
    }

    @Test
    void flagBeatsTracesVariableBeatsGeneral() {
        Map<String, String> both = Map.of(TRACES, "traces:1", GENERAL, "http://general:1");
        assertThat(endpoint("flag:1", both)).isEqualTo("http://flag:1");
        assertThat(endpoint(null, both)).isEqualTo("http://traces:1");
        assertThat(endpoint(null, Map.of(GENERAL, "general:1"))).isEqualTo("http://general:1");
    }

    @Test
    void plaintextUnlessForbidden() {
        Map<String, String> secure = Map.of("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false");
        assertThat(endpoint("h:1", secure)).isEqualTo("https://h:1");
        assertThat(endpoint("grpc://h:1", secure)).isEqualTo("https://h:1");
        assertThat(endpoint("http://h:1", secure)).isEqualTo("http://h:1");
        assertThat(endpoint("h:1", Map.of("OTEL_EXPORTER_OTLP_INSECURE", "false")))
                .isEqualTo("https://h:1");
        assertThat(endpoint("h:1", Map.of("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "true")))
                .isEqualTo("http://h:1");
    }

    @Test
    void offUnlessNamed() {
        assertThat(resolve(null, Map.of()).on()).isFalse();
        assertThat(resolve(null, Map.of(TRACES, " ")).on()).isFalse();
        assertThat(resolve("h:1", Map.of("OTEL_SDK_DISABLED", "true")).on()).isFalse();
        assertThat(resolve("h:1", Map.of("OTEL_TRACES_EXPORTER", "none")).on()).isFalse();
        assertThat(resolve(null, Map.of()).describe()).startsWith("traces off: --otlp-traces-endpoint");
        assertThat(resolve("h:1", Map.of()).describe()).isEqualTo("traces to http://h:1 by grpc");
    }

    @Test
    void protocolOfTracesBeatsTheGeneralOne() {
        assertThat(resolve("h:1", Map.of()).protocol()).isEqualTo("grpc");
        assertThat(resolve("h:1", Map.of(GENERAL_PROTOCOL, "http/protobuf")).protocol())
                .isEqualTo("http/protobuf");
        assertThat(resolve("h:1", Map.of(GENERAL_PROTOCOL, "http/json", TRACES_PROTOCOL, "grpc"))
                        .protocol())
                .isEqualTo("grpc");
    }

    @ParameterizedTest
    @ValueSource(strings = {"http/json", "GRPC", "http"})
    void anyOtherProtocolIsRefused(String protocol) {
        assertThatThrownBy(() -> resolve(null, Map.of(TRACES_PROTOCOL, protocol)))
                .isInstanceOf(TelemetryConfigException.class)
                .hasMessage(TRACES_PROTOCOL + " must be grpc or http/protobuf, found \"" + protocol + "\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ftp://h:1", "http://", "://", "h:port", "grpc://h:99999999999"})
    void unusableEndpointsAreRefused(String given) {
        assertThatThrownBy(() -> resolve(given, Map.of()))
                .isInstanceOf(TelemetryConfigException.class)
                .hasMessageContaining("--otlp-traces-endpoint")
                .hasMessageContaining(given);
    }

    @Test
    void clientsHaveALocalDefault() {
        assertThat(OtlpSettings.resolveOrLocal(Map.<String, String>of()::get).endpoint())
                .hasToString("Optional[http://localhost:4317]");
        assertThat(OtlpSettings.resolveOrLocal(Map.of(GENERAL_PROTOCOL, "http/protobuf")::get)
                        .endpoint())
                .hasToString("Optional[http://localhost:4318/v1/traces]");
        assertThat(OtlpSettings.resolveOrLocal(Map.of(TRACES, "h:1")::get).endpoint())
                .hasToString("Optional[http://h:1]");
    }

    private static OtlpSettings resolve(String flag, Map<String, String> environment) {
        return OtlpSettings.resolve(flag, environment::get);
    }

    private static String endpoint(String flag, Map<String, String> environment) {
        return resolve(flag, environment).endpoint().orElseThrow().toString();
    }
}
