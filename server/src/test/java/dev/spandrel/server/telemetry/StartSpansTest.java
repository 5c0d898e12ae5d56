package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.StartPhase;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** The server's start as a trace. */
class StartSpansTest {
    private static final String TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
    private static final String SPAN_ID = "b7ad6b7169203331";

    private final InMemorySpanExporter exported = InMemorySpanExporter.create();
    private final SpanIds ids = new SpanIds();

    @AutoClose
    private final Telemetry telemetry = Telemetry.of(
            OpenTelemetrySdk.builder()
                    .setTracerProvider(SdkTracerProvider.builder()
                            .setIdGenerator(ids)
                            .addSpanProcessor(SimpleSpanProcessor.create(exported))
                            .build())
                    .build(),
            ids);

    private List<SpanData> record(Map<String, String> environment) {
        List<StartPhase> phases = List.of(
                new StartPhase("load", "", 10, 90),
                new StartPhase("map", "load", 10, 20),
                new StartPhase("upload", "load", 20, 90),
                new StartPhase("warm_up", "", 90, 95));
        new StartSpans(telemetry, new ClockAnchor(1_000, 0), environment::get).succeeded(phases, 5, 100);
        return exported.getFinishedSpanItems();
    }

    @Test
    void aStartThatFailsEndsWhereItFailed() {
        List<StartPhase> over =
                List.of(new StartPhase("locate_model", "load", 10, 20), new StartPhase("read_config", "load", 20, 30));
        new StartSpans(telemetry, new ClockAnchor(1_000, 0), Map.<String, String>of()::get)
                .failed(over, new IllegalStateException("no such shape"), 5, 60);
        List<SpanData> spans = exported.getFinishedSpanItems();
        assertThat(spans).extracting(SpanData::getName).containsExactly("locate_model", "read_config", "load", "start");
        SpanData load = spans.get(2);
        SpanData start = spans.getLast();
        assertThat(load.getParentSpanId()).isEqualTo(start.getSpanId());
        assertThat(load.getStartEpochNanos()).isEqualTo(1_010);
        assertThat(load.getEndEpochNanos()).isEqualTo(1_060);
        assertThat(List.of(load, start)).allSatisfy(span -> {
            assertThat(span.getStatus()).isEqualTo(StatusData.create(StatusCode.ERROR, "no such shape"));
            assertThat(span.getAttributes().get(SpanKeys.ERROR_TYPE)).isEqualTo("java.lang.IllegalStateException");
        });
        assertThat(spans.subList(0, 2)).extracting(SpanData::getStatus).containsOnly(StatusData.unset());
    }

    @Test
    void thePartsLieBelowTheStart() {
        List<SpanData> spans = record(Map.of());
        assertThat(spans).extracting(SpanData::getName).containsExactly("map", "upload", "load", "warm_up", "start");
        SpanData start = spans.getLast();
        assertThat(start.getParentSpanContext().isValid()).isFalse();
        assertThat(start.getStartEpochNanos()).isEqualTo(1_005);
        assertThat(start.getEndEpochNanos()).isEqualTo(1_100);
        SpanData load = spans.get(2);
        assertThat(load.getParentSpanId()).isEqualTo(start.getSpanId());
        assertThat(spans.get(3).getParentSpanId()).isEqualTo(start.getSpanId());
        assertThat(spans.get(0).getParentSpanId()).isEqualTo(load.getSpanId());
        assertThat(spans.get(1).getParentSpanId()).isEqualTo(load.getSpanId());
        assertThat(spans.get(1).getStartEpochNanos()).isEqualTo(1_020);
        assertThat(spans.get(1).getEndEpochNanos()).isEqualTo(1_090);
    }

    @Test
    void itJoinsTheTraceOfTheEnvironment() {
        SpanData start = record(Map.of("TRACEPARENT", "00-" + TRACE_ID + "-" + SPAN_ID + "-01"))
                .getLast();
        assertThat(start.getTraceId()).isEqualTo(TRACE_ID);
        assertThat(start.getParentSpanId()).isEqualTo(SPAN_ID);
    }
}
