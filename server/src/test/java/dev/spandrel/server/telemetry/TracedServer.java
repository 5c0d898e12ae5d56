package dev.spandrel.server.telemetry;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import io.helidon.webserver.http.Filter;
import io.opentelemetry.api.baggage.propagation.W3CBaggagePropagator;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.context.propagation.TextMapPropagator;
import io.opentelemetry.extension.trace.propagation.B3Propagator;
import io.opentelemetry.extension.trace.propagation.JaegerPropagator;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import io.opentelemetry.sdk.trace.samplers.SamplingResult;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** A server of a scripted engine whose spans are kept: what it exported, and what its sampler saw. Clocks stand still. */
final class TracedServer implements AutoCloseable {
    static final String TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
    static final String SPAN_ID = "b7ad6b7169203331";
    static final String PARENT = "00-" + TRACE_ID + "-" + SPAN_ID + "-01";
    static final String NO_SPAN = "0000000000000000";
    static final Instant NOW = Instant.parse("2026-11-23T12:00:00.000000500Z");

    /** Where {@link TestServer} holds its monotonic clock. */
    static final long NANOS = 1_000_000_000;

    final InMemorySpanExporter exported = InMemorySpanExporter.create();
    final List<Attributes> sampled = new CopyOnWriteArrayList<>();
    private final SpanIds ids = new SpanIds();
    // Jaeger's propagator is deprecated, and still sent by what is installed.
    @SuppressWarnings("deprecation")
    private final Telemetry telemetry = Telemetry.of(
            OpenTelemetrySdk.builder()
                    .setPropagators(ContextPropagators.create(TextMapPropagator.composite(
                            W3CTraceContextPropagator.getInstance(),
                            W3CBaggagePropagator.getInstance(),
                            B3Propagator.injectingSingleHeader(),
                            JaegerPropagator.getInstance())))
                    .setTracerProvider(SdkTracerProvider.builder()
                            .setIdGenerator(ids)
                            .setSampler(Sampler.parentBased(new Recording(sampled)))
                            .addSpanProcessor(SimpleSpanProcessor.create(exported))
                            .build())
                    .build(),
            ids);

    private TestServer server;

    /** Notes what a sampler sees. */
    private record Recording(List<Attributes> seen) implements Sampler {
        @Override
        public SamplingResult shouldSample(
                Context parent,
                String traceId,
                String name,
                SpanKind kind,
                Attributes attributes,
                List<LinkData> links) {
            seen.add(attributes);
            return SamplingResult.recordAndSample();
        }

        @Override
        public String getDescription() {
            return "recording";
        }
    }

    void start(boolean httpSpans) {
        start(httpSpans, TraceSettings.DEFAULT);
    }

    void start(boolean httpSpans, TraceSettings settings) {
        AtomicLong nanos = new AtomicLong(NANOS);
        List<Filter> filters = httpSpans
                ? List.of(new HttpSpans(telemetry, Set.of("/v1/completions", "/v1/models"), () -> NOW, nanos::get))
                : List.of();
        server = TestServer.start(
                new ScriptedEngine(),
                new EngineMetrics(),
                new GenerationSpans(telemetry, settings, () -> NOW, nanos::get),
                filters);
    }

    TestServer server() {
        return server;
    }

    @Override
    public void close() {
        server.close();
    }

    /** The span of that name; it may end a moment after the client has its answer. */
    SpanData span(String name) {
        Waiting.until(
                () -> exported.getFinishedSpanItems().stream()
                        .anyMatch(span -> span.getName().equals(name)),
                "a span named " + name + " is there");
        return exported.getFinishedSpanItems().stream()
                .filter(span -> span.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
