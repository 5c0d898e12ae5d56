package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import dev.spandrel.server.openai.GenerationListener;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.data.DoubleExemplarData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.testing.exporter.InMemoryMetricReader;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** From a slow bucket of a histogram to the request in it. */
class ExemplarsTest {
    private final InMemorySpanExporter spans = InMemorySpanExporter.create();
    private final InMemoryMetricReader metrics = InMemoryMetricReader.create();
    private final SpanIds ids = new SpanIds();
    /** A collection takes them away. */
    private final List<SpanContext> found = new ArrayList<>();

    @Test
    void aHistogramPointsAtTheRequestsSpan() {
        try (Telemetry telemetry = Telemetry.of(sdk(), ids)) {
            ScriptedEngine engine = new ScriptedEngine();
            GenerationListener listener = GenerationListener.of(List.of(
                    new GenerationSpans(telemetry, TraceSettings.DEFAULT, InstantSource.system(), System::nanoTime),
                    new ServerMetrics(telemetry, engine)));
            try (TestServer server = TestServer.start(engine, new EngineMetrics(), listener, List.of())) {
                server.completion("{\"prompt\":\"a\",\"max_tokens\":3}");
                Waiting.until(() -> found.addAll(exemplars()), "the request is measured");
            }
            SpanData request = spans.getFinishedSpanItems().getFirst();
            assertThat(found).extracting(SpanContext::getSpanId).containsOnly(request.getSpanId());
            assertThat(found).extracting(SpanContext::getTraceId).containsOnly(request.getTraceId());
        }
    }

    private OpenTelemetrySdk sdk() {
        return OpenTelemetrySdk.builder()
                .setTracerProvider(SdkTracerProvider.builder()
                        .setIdGenerator(ids)
                        .addSpanProcessor(SimpleSpanProcessor.create(spans))
                        .build())
                .setMeterProvider(
                        SdkMeterProvider.builder().registerMetricReader(metrics).build())
                .build();
    }

    private List<SpanContext> exemplars() {
        return metrics.collectAllMetrics().stream()
                .filter(metric -> metric.getName().equals("gen_ai.server.request.duration"))
                .flatMap((MetricData metric) -> metric.getHistogramData().getPoints().stream())
                .flatMap(point -> point.getExemplars().stream())
                .map(DoubleExemplarData::getSpanContext)
                .toList();
    }
}
