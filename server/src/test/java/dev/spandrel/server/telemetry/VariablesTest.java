package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.helidon.http.HeaderNames;
import io.helidon.http.WritableHeaders;
import io.opentelemetry.api.baggage.Baggage;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The standard variables as the SDK of the server reads them; properties stand in for them. */
class VariablesTest {
    private static final String TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
    private static final String SPAN_ID = "b7ad6b7169203331";

    @AutoClose
    private TraceBackend backend;

    @BeforeEach
    void start() throws IOException {
        backend = new TraceBackend();
    }

    @AfterEach
    void clear() {
        System.clearProperty("otel.propagators");
        System.clearProperty("otel.traces.sampler");
    }

    private Telemetry telemetry() {
        URI endpoint = URI.create("http://127.0.0.1:" + backend.grpcPort());
        return Telemetry.start(
                new OtlpSettings(Optional.of(endpoint), "grpc", false), "test-service", Duration.ofSeconds(10));
    }

    /**
     * A request with the context of every propagator, each in a trace of its own.
     *
     * @param single with B3's single header, which b3multi would read too
     */
    private static Context context(Telemetry telemetry, boolean single) {
        WritableHeaders<?> headers = WritableHeaders.create();
        headers.add(HeaderNames.create("traceparent"), "00-" + id(1) + "-" + SPAN_ID + "-01");
        if (single) {
            headers.add(HeaderNames.create("b3"), id(2) + "-" + SPAN_ID + "-1");
        }
        headers.add(HeaderNames.create("X-B3-TraceId"), id(3));
        headers.add(HeaderNames.create("X-B3-SpanId"), SPAN_ID);
        headers.add(HeaderNames.create("X-B3-Sampled"), "1");
        headers.add(HeaderNames.create("uber-trace-id"), id(4) + ":" + SPAN_ID + ":0:1");
        headers.add(HeaderNames.create("baggage"), "tenant=blue");
        return telemetry.context(headers);
    }

    private static String id(int number) {
        return number + TRACE_ID.substring(1);
    }

    @ParameterizedTest
    @CsvSource({
        ", 1, blue",
        "'tracecontext,baggage', 1, blue",
        "tracecontext, 1,",
        "b3, 2,",
        "b3multi, 3,",
        "'jaeger, baggage', 4, blue",
        "none, 0,"
    })
    void propagators(String value, int trace, String tenant) {
        if (value != null) {
            System.setProperty("otel.propagators", value);
        }
        try (Telemetry telemetry = telemetry()) {
            Context context = context(telemetry, !"b3multi".equals(value));
            String found = Span.fromContext(context).getSpanContext().getTraceId();
            assertThat(found).isEqualTo(trace == 0 ? "0".repeat(32) : id(trace));
            assertThat(Baggage.fromContext(context).getEntryValue("tenant")).isEqualTo(tenant);
        }
    }

    @Test
    void anUnknownPropagatorEndsTheStartWithThoseThereAre() {
        System.setProperty("otel.propagators", "tracecontext,xray");
        assertThatThrownBy(this::telemetry)
                .isInstanceOf(TelemetryConfigException.class)
                .hasMessageContaining("tracecontext, baggage, b3, b3multi, jaeger")
                .hasMessageContaining("\"xray\"");
    }

    @ParameterizedTest
    @CsvSource({", 1", "always_on, 1", "always_off, 0", "parentbased_always_off, 0"})
    void samplers(String value, int spans) {
        if (value != null) {
            System.setProperty("otel.traces.sampler", value);
        }
        try (Telemetry telemetry = telemetry()) {
            telemetry.tracer().spanBuilder("root").setNoParent().startSpan().end();
        }
        assertThat(backend.spans()).hasSize(spans);
    }
}
