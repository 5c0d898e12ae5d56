package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import dev.spandrel.server.openai.GenerationListener;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.data.HistogramPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.testing.exporter.InMemoryMetricReader;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The same request in three places: its span, the {@code vllm:*} metrics with exemplars, and the GenAI metrics. */
class MetricsExemplarsTest {
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05.678Z");
    private static final Pattern EXEMPLAR = Pattern.compile(
            "^(vllm:\\w+)_bucket\\{[^}]*} \\S+ # \\{trace_id=\"(\\w+)\",span_id=\"(\\w+)\"} (\\S+) (\\S+)$",
            Pattern.MULTILINE);

    private final InMemorySpanExporter spans = InMemorySpanExporter.create();
    private final InMemoryMetricReader reader = InMemoryMetricReader.create();
    private final SpanIds ids = new SpanIds();
    private final Telemetry telemetry = Telemetry.of(
            OpenTelemetrySdk.builder()
                    .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
                    .setMeterProvider(SdkMeterProvider.builder()
                            .registerMetricReader(reader)
                            .build())
                    .setTracerProvider(SdkTracerProvider.builder()
                            .setIdGenerator(ids)
                            .addSpanProcessor(SimpleSpanProcessor.create(spans))
                            .build())
                    .build(),
            ids);
    private final EngineMetrics metrics = new EngineMetrics(() -> NOW);
    private final ScriptedEngine engine = new ScriptedEngine();
    private final TestServer server = start();

    private TestServer start() {
        metrics.traced(telemetry);
        GenerationListener listener = GenerationListener.of(List.of(
                metrics,
                new GenerationSpans(telemetry, TraceSettings.DEFAULT, InstantSource.system(), System::nanoTime),
                new ServerMetrics(telemetry, engine)));
        return TestServer.start(engine, metrics, listener, List.of());
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void openMetricsPointAtTheSpanAndSayWhatItSays() {
        SpanData span = request("01");
        String text = scrape("application/openmetrics-text; version=1.0.0,text/plain;q=0.5");
        assertThat(text).endsWith("\n# EOF\n").contains("# TYPE vllm:prompt_tokens counter\n");
        List<MatchResult> exemplars = EXEMPLAR.matcher(text).results().toList();
        assertThat(exemplars)
                .extracting(found -> found.group(1))
                .containsExactlyInAnyOrder(
                        "vllm:time_to_first_token_seconds",
                        "vllm:inter_token_latency_seconds",
                        "vllm:request_time_per_output_token_seconds",
                        "vllm:e2e_request_latency_seconds",
                        "vllm:request_queue_time_seconds",
                        "vllm:request_inference_time_seconds",
                        "vllm:request_prefill_time_seconds",
                        "vllm:request_decode_time_seconds");
        assertThat(exemplars).allSatisfy(found -> {
            assertThat(found.group(2)).isEqualTo(TRACE);
            assertThat(found.group(3)).isEqualTo(span.getSpanId());
            assertThat(found.group(5)).isEqualTo("1767323045.678");
        });
        same(exemplars, "vllm:time_to_first_token_seconds", span, "gen_ai.latency.time_to_first_token");
        same(exemplars, "vllm:e2e_request_latency_seconds", span, "gen_ai.latency.e2e");
        same(exemplars, "vllm:request_queue_time_seconds", span, "gen_ai.latency.time_in_queue");
        same(exemplars, "vllm:request_prefill_time_seconds", span, "gen_ai.latency.time_in_model_prefill");
        same(exemplars, "vllm:request_decode_time_seconds", span, "gen_ai.latency.time_in_model_decode");
        same(exemplars, "vllm:request_inference_time_seconds", span, "gen_ai.latency.time_in_model_inference");
    }

    private static void same(List<MatchResult> exemplars, String metric, SpanData span, String attribute) {
        double value = exemplars.stream()
                .filter(found -> found.group(1).equals(metric))
                .mapToDouble(found -> Double.parseDouble(found.group(4)))
                .findFirst()
                .orElseThrow();
        assertThat(span.getAttributes().get(AttributeKey.doubleKey(attribute)))
                .as(attribute)
                .isEqualTo(value);
    }

    @Test
    void theOlderFormatHasNone() {
        request("01");
        assertThat(scrape("text/plain")).doesNotContain("trace_id", "# EOF").contains("vllm:prompt_tokens_total{");
    }

    @Test
    void anUnsampledTraceIsNoExemplar() {
        post("00");
        Waiting.until(
                () -> scrape("application/openmetrics-text")
                        .contains("_latency_seconds_count{engine=\"0\",model_name=\"scripted\"} 1.0"),
                "the request is counted");
        assertThat(scrape("application/openmetrics-text")).doesNotContain("trace_id");
    }

    @Test
    void genAiMetricsHaveTheBoundariesOfTheConventions() {
        SpanData span = request("01");
        List<MetricData> found = List.copyOf(reader.collectAllMetrics());
        HistogramPointData duration = point(found, "gen_ai.server.request.duration");
        assertThat(duration.getBoundaries())
                .containsExactly(.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);
        assertThat(point(found, "gen_ai.server.time_to_first_token").getBoundaries())
                .containsExactly(.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1., 2.5, 5., 7.5, 10.);
        assertThat(point(found, "gen_ai.server.time_per_output_token").getBoundaries())
                .containsExactly(.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1., 2.5);
        assertThat(duration.getAttributes().asMap())
                .containsEntry(AttributeKey.stringKey("gen_ai.operation.name"), "text_completion")
                .containsEntry(AttributeKey.stringKey("gen_ai.provider.name"), "spandrel")
                .containsEntry(AttributeKey.stringKey("gen_ai.request.model"), "alias")
                .containsEntry(AttributeKey.stringKey("gen_ai.response.model"), "scripted")
                .containsEntry(AttributeKey.longKey("server.port"), (long) server.port());
        assertThat(duration.getSum()).isEqualTo(span.getAttributes().get(AttributeKey.doubleKey("gen_ai.latency.e2e")));
    }

    private static HistogramPointData point(List<MetricData> metrics, String name) {
        MetricData data = metrics.stream()
                .filter(metric -> metric.getName().equals(name))
                .findFirst()
                .orElseThrow();
        assertThat(data.getUnit()).isEqualTo("s");
        assertThat(data.getHistogramData().getPoints()).hasSize(1);
        return data.getHistogramData().getPoints().iterator().next();
    }

    private SpanData request(String flags) {
        post(flags);
        Waiting.until(() -> !spans.getFinishedSpanItems().isEmpty(), "the span");
        return spans.getFinishedSpanItems().getFirst();
    }

    private void post(String flags) {
        HttpResponse<String> answer = server.post(
                "/v1/completions",
                "{\"model\":\"alias\",\"prompt\":\"a b\",\"max_tokens\":4}",
                "traceparent",
                "00-" + TRACE + "-00f067aa0ba902b7-" + flags);
        assertThat(answer.statusCode()).isEqualTo(200);
    }

    private String scrape(String accept) {
        return server.send(HttpRequest.newBuilder(server.uri("/metrics"))
                        .header("Accept", accept)
                        .build())
                .body();
    }
}
