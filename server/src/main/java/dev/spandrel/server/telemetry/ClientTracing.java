package dev.spandrel.server.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.net.URI;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The tracing of the example client: spans named as in vLLM's example, and word of whether they were delivered. */
public final class ClientTracing implements AutoCloseable {
    private static final AttributeKey<String> PROMPT = AttributeKey.stringKey("prompt");
    private static final String SERVICE_NAME = "spandrel-client";

    /** Long enough for one try and the SDK's first retry; a client should not hang on its telemetry. */
    private static final Duration FLUSH = Duration.ofSeconds(2);

    private final Telemetry telemetry;
    private final Delivery delivery;
    private final URI endpoint;
    private boolean sampled;

    private ClientTracing(Telemetry telemetry, Delivery delivery, URI endpoint) {
        this.telemetry = telemetry;
        this.delivery = delivery;
        this.endpoint = endpoint;
    }

    /**
     * Sets up the SDK.
     *
     * @param settings must be on
     * @throws TelemetryConfigException when an OTEL_* variable cannot be followed
     */
    public static ClientTracing start(OtlpSettings settings) {
        // The exporter logs a failure with its stack trace; flush() says it in one line instead.
        Logger.getLogger("io.opentelemetry").setLevel(Level.OFF);
        Delivery delivery = new Delivery();
        Telemetry telemetry = Telemetry.start(settings, SERVICE_NAME, FLUSH, delivery::watch);
        return new ClientTracing(telemetry, delivery, settings.endpoint().orElseThrow());
    }

    /** Starts the client's span, a new root. */
    public ClientSpan begin(String prompt) {
        Tracer tracer = telemetry.tracer();
        Span span = tracer.spanBuilder("client-span")
                .setNoParent()
                .setSpanKind(SpanKind.CLIENT)
                .setAttribute(PROMPT, prompt)
                .startSpan();
        sampled = span.getSpanContext().isSampled();
        return new ClientSpan(span);
    }

    /** Sends all ended spans; says in one line if they could not be delivered. */
    public Optional<String> flush() {
        telemetry.close();
        return sampled && (delivery.failed.get() || !delivery.succeeded.get())
                ? Optional.of("the trace was not delivered: no telemetry backend answers at " + endpoint
                        + "; OTEL_EXPORTER_OTLP_TRACES_ENDPOINT names another")
                : Optional.empty();
    }

    @Override
    public void close() {
        telemetry.close();
    }

    /** A span under way. */
    public static final class ClientSpan implements AutoCloseable {
        private final Span span;

        private ClientSpan(Span span) {
            this.span = span;
        }

        public String traceId() {
            return span.getSpanContext().getTraceId();
        }

        /** The W3C headers that make the server's spans children of this one. */
        public Map<String, String> headers() {
            Map<String, String> headers = new TreeMap<>();
            W3CTraceContextPropagator.getInstance().inject(Context.root().with(span), headers, Map::put);
            return headers;
        }

        /** Marks the span as failed. */
        public void failed(Exception cause) {
            span.setStatus(StatusCode.ERROR, cause.getMessage());
            span.setAttribute(SpanKeys.ERROR_TYPE, cause.getClass().getName());
        }

        @Override
        public void close() {
            span.end();
        }
    }

    /** Remembers how exports went; the SDK only logs it. */
    private static final class Delivery {
        private final AtomicBoolean failed = new AtomicBoolean();
        private final AtomicBoolean succeeded = new AtomicBoolean();

        SpanExporter watch(SpanExporter exporter) {
            return new SpanExporter() {
                @Override
                public CompletableResultCode export(Collection<SpanData> spans) {
                    CompletableResultCode result = exporter.export(spans);
                    result.whenComplete(() -> (result.isSuccess() ? succeeded : failed).set(true));
                    return result;
                }

                @Override
                public CompletableResultCode flush() {
                    return exporter.flush();
                }

                @Override
                public CompletableResultCode shutdown() {
                    return exporter.shutdown();
                }
            };
        }
    }
}
