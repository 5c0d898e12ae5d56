package dev.spandrel.sidecar.exporter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.otlp.Signal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OtlpEnvironmentTest {
    private final Map<String, String> variables = new HashMap<>();
    private final List<String> warnings = new ArrayList<>();

    private void set(String option, String value) {
        variables.put("OTEL_EXPORTER_OTLP_" + option, value);
    }

    private ExporterConfig traces() throws InvalidConfigException {
        return new OtlpEnvironment(variables, warnings::add)
                .exporter(Signal.TRACES)
                .orElseThrow();
    }

    @ParameterizedTest
    @CsvSource({
        "grpc://h:1,            ,      grpc://h:1",
        "grpc://h:1,            true,  grpc://h:1",
        "grpc://h:1,            false, grpcs://h:1",
        "h:1,                   ,      grpc://h:1",
        "h:1,                   false, grpcs://h:1",
        "h,                     ,      grpc://h:4317",
        "grpcs://h:1,           true,  grpcs://h:1",
        "https://h,             true,  grpcs://h:443",
        "http://h,              false, grpc://h:80",
        "http://h:1/ignored,    ,      grpc://h:1",
        "[::1]:4317,            ,      grpc://[::1]:4317",
    })
    void grpcEndpointForms(String endpoint, String insecure, String expected) throws InvalidConfigException {
        set("ENDPOINT", endpoint);
        if (insecure != null) {
            set("INSECURE", insecure);
        }
        assertThat(traces().shown()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "ENDPOINT,        http://h:1,           http://h:1/v1/traces",
        "ENDPOINT,        http://h:1/base/,     http://h:1/base/v1/traces",
        "ENDPOINT,        https://h/a?b=c,      https://h:443/a/v1/traces?b=c",
        "TRACES_ENDPOINT, http://h:1/own,       http://h:1/own",
        "TRACES_ENDPOINT, http://h:1,           http://h:1/",
    })
    void httpEndpointForms(String option, String endpoint, String expected) throws InvalidConfigException {
        set("PROTOCOL", "http/protobuf");
        set(option, endpoint);
        assertThat(traces().shown()).isEqualTo(expected);
    }

    @Test
    void eachOptionOfTheSignalWinsOverTheGeneralOne() throws InvalidConfigException {
        set("ENDPOINT", "http://general:1");
        set("TRACES_PROTOCOL", "http/protobuf");
        set("PROTOCOL", "grpc");
        set("TIMEOUT", "20000");
        set("TRACES_TIMEOUT", "3000");
        set("HEADERS", "a=1, B = two%20words ,junk");
        ExporterConfig traces = traces();
        assertThat(traces.protocol()).isEqualTo(Protocol.HTTP_PROTOBUF);
        assertThat(traces.timeout()).isEqualTo(Duration.ofSeconds(3));
        assertThat(traces.headers()).isEqualTo(Map.of("a", "1", "b", "two words"));
        assertThat(warnings).singleElement().asString().contains("HEADERS").doesNotContain("junk");
        ExporterConfig logs = new OtlpEnvironment(variables, warnings::add)
                .exporter(Signal.LOGS)
                .orElseThrow();
        assertThat(logs.protocol()).isEqualTo(Protocol.GRPC);
        assertThat(logs.timeout()).isEqualTo(Duration.ofSeconds(20));
    }

    @Test
    void whatCannotBeReadIsWarnedOfAndIgnored() throws InvalidConfigException {
        set("ENDPOINT", "h:1");
        set("TIMEOUT", "-5");
        set("COMPRESSION", "brotli");
        set("INSECURE", "perhaps");
        ExporterConfig traces = traces();
        assertThat(traces.timeout()).isEqualTo(Duration.ofSeconds(10));
        assertThat(traces.gzip()).isFalse();
        assertThat(traces.endpoint().tls()).isTrue();
        assertThat(warnings).hasSize(3);
    }

    @Test
    void aTimeoutThatLooksLikeSecondsIsMentioned() throws InvalidConfigException {
        set("ENDPOINT", "h:1");
        set("TIMEOUT", "10");
        assertThat(traces().timeout()).isEqualTo(Duration.ofMillis(10));
        assertThat(warnings).singleElement().asString().contains("10000");
    }

    @Test
    void emptyIsUnset() throws InvalidConfigException {
        set("ENDPOINT", " ");
        assertThat(new OtlpEnvironment(variables, warnings::add).exporter(Signal.TRACES))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "PROTOCOL,        http/jsson,  OTEL_EXPORTER_OTLP_PROTOCOL is \"http/jsson\"",
        "TRACES_PROTOCOL, thrift,      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is \"thrift\"",
        "ENDPOINT,        ftp://h:1,   expected host:port or a URL",
        "ENDPOINT,        http://,     expected host:port or a URL",
        "ENDPOINT,        a b,         expected host:port or a URL",
    })
    void whatStopsTheStartIsOneClearLine(String option, String value, String message) {
        set(option, value);
        assertThatThrownBy(this::traces)
                .isInstanceOf(InvalidConfigException.class)
                .hasMessageContaining(message)
                .hasMessageNotContaining("\n");
    }
}
