package dev.spandrel.server.telemetry;

import io.helidon.http.Headers;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;

/**
 * The OpenTelemetry SDK of this process, configured by the standard OTEL_* variables but for what {@link OtlpSettings}
 * decides. Made once at start; a variable that cannot be followed fails there and never later. Closing sends what is
 * still queued, for a bounded time.
 */
public final class Telemetry implements AutoCloseable {
    /** Instrumentation scope of every span of this server. */
    static final String SCOPE = "dev.spandrel.server";

    private static final String EXPORT_DELAY = "otel.bsp.schedule.delay";

    /** Spans of ended requests wait for a share of the time that they wait for their export: nobody sees a difference. */
    private static final int PAUSES = 10;

    private static final String AGENT = "io.opentelemetry.javaagent.OpenTelemetryAgent";

    private final OpenTelemetry openTelemetry;
    private final SpanIds ids;
    private final SpanDrops drops;
    private final boolean metrics;
    private final Duration flushTimeout;
    private final Optional<LogRecords> logRecords;
    private final Optional<LateSpans> lateSpans;

    private Telemetry(
            OpenTelemetry openTelemetry,
            SpanIds ids,
            SpanDrops drops,
            Optional<LateSpans> lateSpans,
            boolean metrics,
            boolean logs,
            Duration flushTimeout) {
        this.openTelemetry = openTelemetry;
        this.ids = ids;
        this.drops = drops;
        this.lateSpans = lateSpans;
        this.metrics = metrics;
        this.flushTimeout = flushTimeout;
        this.logRecords = logs ? Optional.of(new LogRecords(openTelemetry.getLogsBridge())) : Optional.empty();
        logRecords.ifPresent(LogRecords::attach);
    }

    /**
     * Builds the SDK of a server: traces, metrics and logs, each where its endpoint is named.
     *
     * @param traces must be on
     * @param serviceName used where the environment names no service
     * @param resource attributes of the resource; the environment's come before
     * @param flushTimeout longest time closing may take
     * @throws TelemetryConfigException when an OTEL_* variable cannot be followed
     */
    public static Telemetry start(
            OtlpSettings traces, String serviceName, Map<String, String> resource, Duration flushTimeout) {
        SpanDrops drops = new SpanDrops();
        UnaryOperator<String> environment = OtlpSettings::processEnvironment;
        Map<OtlpSignal, OtlpSettings> signals = new EnumMap<>(OtlpSignal.class);
        signals.put(OtlpSignal.TRACES, traces);
        signals.put(OtlpSignal.METRICS, OtlpSettings.resolve(OtlpSignal.METRICS, null, environment));
        signals.put(OtlpSignal.LOGS, OtlpSettings.resolve(OtlpSignal.LOGS, null, environment));
        Telemetry telemetry = start(signals, serviceName, resource, flushTimeout, drops, drops::watch);
        drops.start();
        return telemetry;
    }

    /** As the other, with nothing more in the resource. */
    static Telemetry start(OtlpSettings traces, String serviceName, Duration flushTimeout) {
        return start(traces, serviceName, Map.of(), flushTimeout);
    }

    /** As the other, traces only, with something between the SDK and its exporter. */
    static Telemetry start(
            OtlpSettings traces, String serviceName, Duration flushTimeout, UnaryOperator<SpanExporter> exporter) {
        return start(Map.of(OtlpSignal.TRACES, traces), serviceName, Map.of(), flushTimeout, new SpanDrops(), exporter);
    }

    private static Telemetry start(
            Map<OtlpSignal, OtlpSettings> signals,
            String serviceName,
            Map<String, String> resource,
            Duration flushTimeout,
            SpanDrops drops,
            UnaryOperator<SpanExporter> exporter) {
        if (!signals.get(OtlpSignal.TRACES).on()) {
            throw new IllegalArgumentException("tracing is off");
        }
        Propagators.check(OtlpSettings::processEnvironment);
        SpanIds ids = new SpanIds();
        AtomicReference<Duration> exportDelay = new AtomicReference<>();
        try {
            OpenTelemetrySdk sdk = AutoConfiguredOpenTelemetrySdk.builder()
                    .disableShutdownHook()
                    .addPropertiesSupplier(() -> defaults(serviceName))
                    .addPropertiesCustomizer(config -> {
                        exportDelay.set(config.getDuration(EXPORT_DELAY));
                        return properties(signals);
                    })
                    .addResourceCustomizer((found, _) -> resource(resource).merge(found))
                    .addTracerProviderCustomizer((provider, _) -> provider.setIdGenerator(ids))
                    .addMeterProviderCustomizer((provider, _) -> provider.registerMetricReader(drops))
                    .addSpanExporterCustomizer((found, _) -> exporter.apply(found))
                    .build()
                    .getOpenTelemetrySdk();
            return new Telemetry(
                    sdk,
                    ids,
                    drops,
                    Optional.of(new LateSpans(exportDelay.get().dividedBy(PAUSES))),
                    on(signals, OtlpSignal.METRICS),
                    on(signals, OtlpSignal.LOGS),
                    flushTimeout);
        } catch (ConfigurationException e) {
            throw new TelemetryConfigException(e.getMessage());
        }
    }

    private static Resource resource(Map<String, String> all) {
        AttributesBuilder attributes = Attributes.builder();
        all.forEach(attributes::put);
        return Resource.create(attributes.build());
    }

    private static boolean on(Map<OtlpSignal, OtlpSettings> signals, OtlpSignal signal) {
        return signals.containsKey(signal) && signals.get(signal).on();
    }

    /** What of the SDK's configuration is decided here: whither each signal goes, and whether. */
    private static Map<String, String> properties(Map<OtlpSignal, OtlpSettings> signals) {
        Map<String, String> properties = new HashMap<>();
        for (OtlpSignal signal : OtlpSignal.values()) {
            OtlpSettings settings = signals.get(signal);
            if (settings != null && settings.on()) {
                properties.put(signal.property("protocol"), settings.protocol());
                properties.put(
                        signal.property("endpoint"),
                        settings.endpoint().orElseThrow().toString());
            } else {
                properties.put("otel." + signal.lower() + ".exporter", "none");
            }
        }
        return properties;
    }

    /**
     * Around an SDK made elsewhere; {@link #later} is at once.
     *
     * @param ids the SDK's id generator
     */
    static Telemetry of(OpenTelemetry openTelemetry, SpanIds ids) {
        return new Telemetry(openTelemetry, ids, new SpanDrops(), Optional.empty(), true, false, Duration.ofSeconds(5));
    }

    private static Map<String, String> defaults(String serviceName) {
        Map<String, String> defaults = new HashMap<>();
        // The specification's 5 s leaves a trace in pieces for as long: the client's part comes when the client ends.
        // Each
        // export costs one to three milliseconds of two processors, so not more often either: docs/decisions/0150.
        defaults.put(EXPORT_DELAY, "1000");
        String resource = OtlpSettings.processEnvironment("OTEL_RESOURCE_ATTRIBUTES");
        if (resource == null || !resource.contains("service.name=")) {
            defaults.put("otel.service.name", serviceName);
        }
        return defaults;
    }

    /**
     * That of an OpenTelemetry Java agent in this process, which has an SDK of its own, configured by the same variables;
     * empty without one. Everything goes through it then: two SDKs would make two traces of each request.
     */
    public static Optional<Telemetry> ofAgent() {
        try {
            // The agent's jar is behind the class path of whoever it is attached to.
            Class.forName(AGENT, false, ClassLoader.getSystemClassLoader());
        } catch (ClassNotFoundException e) {
            return Optional.empty();
        }
        return Optional.of(new Telemetry(
                GlobalOpenTelemetry.get(),
                new SpanIds(),
                new SpanDrops(),
                Optional.empty(),
                true,
                false,
                Duration.ZERO));
    }

    /** Whether ids drawn here are those of the spans; not so under an agent. */
    boolean ownIds() {
        return openTelemetry instanceof OpenTelemetrySdk;
    }

    /** The tracer of this server's own spans. */
    public Tracer tracer() {
        return openTelemetry.getTracer(SCOPE);
    }

    /** Whether metrics go anywhere. */
    public boolean metrics() {
        return metrics;
    }

    /** The meter of this server's own metrics. */
    Meter meter() {
        return openTelemetry.getMeter(SCOPE);
    }

    /** Spans that were lost. */
    SpanDrops drops() {
        return drops;
    }

    /** Draws ids of spans that do not exist yet. */
    SpanIds ids() {
        return ids;
    }

    /** Makes spans that have ended, soon and in the order they come, or at once where it cannot wait. */
    void later(Runnable spans) {
        lateSpans.ifPresentOrElse(late -> late.execute(spans), spans);
    }

    /** The context a request brings, by the propagators in force; a malformed one is none. */
    Context context(Headers headers) {
        return openTelemetry
                .getPropagators()
                .getTextMapPropagator()
                .extract(Context.root(), headers, RequestHeaders.GETTER);
    }

    @Override
    public void close() {
        close(flushTimeout);
    }

    /** Closes within another time than usual. */
    public void close(Duration flushTimeout) {
        logRecords.ifPresent(LogRecords::close);
        lateSpans.ifPresent(LateSpans::close);
        if (openTelemetry instanceof OpenTelemetrySdk sdk) {
            CompletableResultCode end = CompletableResultCode.ofAll(List.of(
                    sdk.getSdkTracerProvider().shutdown(),
                    sdk.getSdkLoggerProvider().shutdown()));
            end.join(flushTimeout.toMillis(), TimeUnit.MILLISECONDS);
            // Last, so that it can still tell what the others lost.
            sdk.getSdkMeterProvider().shutdown().join(flushTimeout.toMillis(), TimeUnit.MILLISECONDS);
        }
    }
}
