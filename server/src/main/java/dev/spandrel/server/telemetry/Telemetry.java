package dev.spandrel.server.telemetry;

import io.helidon.http.Headers;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.spi.ConfigurationException;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * The OpenTelemetry SDK of this process, configured by the standard OTEL_* variables but for what {@link OtlpSettings}
 * decides. Made once at start; a variable that cannot be followed fails there and never later. Closing sends what is
 * still queued, for a bounded time.
 */
public final class Telemetry implements AutoCloseable {
    /** Instrumentation scope of every span of this server. */
    static final String SCOPE = "dev.spandrel.server";

    private final OpenTelemetry openTelemetry;
    private final SpanIds ids;
    private final Duration flushTimeout;

    private Telemetry(OpenTelemetry openTelemetry, SpanIds ids, Duration flushTimeout) {
        this.openTelemetry = openTelemetry;
        this.ids = ids;
        this.flushTimeout = flushTimeout;
    }

    /**
     * Builds the SDK.
     *
     * @param settings must be on
     * @param serviceName used where the environment names no service
     * @param flushTimeout longest time closing may take
     * @throws TelemetryConfigException when an OTEL_* variable cannot be followed
     */
    public static Telemetry start(OtlpSettings settings, String serviceName, Duration flushTimeout) {
        return start(settings, serviceName, flushTimeout, UnaryOperator.identity());
    }

    /** As {@link #start(OtlpSettings, String, Duration)}, with something between the SDK and its exporter. */
    static Telemetry start(
            OtlpSettings settings, String serviceName, Duration flushTimeout, UnaryOperator<SpanExporter> exporter) {
        URI endpoint = settings.endpoint().orElseThrow(() -> new IllegalArgumentException("tracing is off"));
        SpanIds ids = new SpanIds();
        try {
            OpenTelemetrySdk sdk = AutoConfiguredOpenTelemetrySdk.builder()
                    .disableShutdownHook()
                    .addPropertiesSupplier(() -> defaults(serviceName))
                    .addPropertiesCustomizer(_ -> Map.of(
                            "otel.exporter.otlp.traces.protocol", settings.protocol(),
                            "otel.exporter.otlp.traces.endpoint", endpoint.toString()))
                    .addTracerProviderCustomizer((provider, _) -> provider.setIdGenerator(ids))
                    .addSpanExporterCustomizer((found, _) -> exporter.apply(found))
                    .build()
                    .getOpenTelemetrySdk();
            return new Telemetry(sdk, ids, flushTimeout);
        } catch (ConfigurationException e) {
            throw new TelemetryConfigException(e.getMessage());
        }
    }

    /**
     * Around an SDK made elsewhere.
     *
     * @param ids the SDK's id generator
     */
    static Telemetry of(OpenTelemetry openTelemetry, SpanIds ids) {
        return new Telemetry(openTelemetry, ids, Duration.ofSeconds(5));
    }

    private static Map<String, String> defaults(String serviceName) {
        Map<String, String> defaults = new HashMap<>();
        defaults.put("otel.metrics.exporter", "none");
        defaults.put("otel.logs.exporter", "none");
        // The specification's 5 s leaves a trace in pieces for as long: the client's part comes when the client ends.
        defaults.put("otel.bsp.schedule.delay", "500");
        String resource = OtlpSettings.processEnvironment("OTEL_RESOURCE_ATTRIBUTES");
        if (resource == null || !resource.contains("service.name=")) {
            defaults.put("otel.service.name", serviceName);
        }
        return defaults;
    }

    /** The tracer of this server's own spans. */
    public Tracer tracer() {
        return openTelemetry.getTracer(SCOPE);
    }

    /** Draws ids of spans that do not exist yet. */
    SpanIds ids() {
        return ids;
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
        if (openTelemetry instanceof OpenTelemetrySdk sdk) {
            CompletableResultCode end = sdk.getSdkTracerProvider().shutdown();
            end.join(flushTimeout.toMillis(), TimeUnit.MILLISECONDS);
        }
    }
}
