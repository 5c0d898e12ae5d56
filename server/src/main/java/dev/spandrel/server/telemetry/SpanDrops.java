package dev.spandrel.server.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.CollectionRegistration;
import io.opentelemetry.sdk.metrics.export.MetricReader;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.Collection;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * Counts spans that no backend will ever see: those for which the batch processor's queue had no room, as it says in its own
 * metrics, and those a backend did not take. Says so once a minute, in place of the SDK's exporters, who would say it with
 * a stack trace.
 */
final class SpanDrops implements MetricReader {
    private static final System.Logger LOGGER = System.getLogger(SpanDrops.class.getName());
    private static final AttributeKey<Boolean> DROPPED = AttributeKey.booleanKey("dropped");
    private static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");

    /** Held, since loggers nobody holds forget their level. */
    private final Logger exporterLog = Logger.getLogger("io.opentelemetry.exporter");

    private final AtomicLong notTaken = new AtomicLong();
    private volatile LongSupplier steps = () -> 0;
    private volatile CollectionRegistration metrics = CollectionRegistration.noop();
    private volatile String lastFailure = "none";
    private long told;
    private ScheduledExecutorService clock;

    /** Begins to look once a minute. */
    void start() {
        start(Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("span-drops").factory()));
    }

    /** As {@link #start()} by another clock, which is shut down at the end. */
    void start(ScheduledExecutorService clock) {
        this.clock = clock;
        exporterLog.setLevel(Level.OFF);
        clock.scheduleAtFixedRate(this::tell, 1, 1, TimeUnit.MINUTES);
    }

    /** Steps whose spans were never made. */
    void alsoCount(LongSupplier droppedSteps) {
        steps = droppedSteps;
    }

    /** Spans that found the queue full. */
    long queueFull() {
        return metrics.collectAllMetrics().stream()
                .filter(metric -> metric.getName().equals("processedSpans")
                        || metric.getName().equals("otel.sdk.processor.span.processed"))
                .flatMap((MetricData metric) -> metric.getLongSumData().getPoints().stream())
                .filter(point -> isDropped(point.getAttributes()))
                .mapToLong(point -> point.getValue())
                .sum();
    }

    private static boolean isDropped(Attributes attributes) {
        return Boolean.TRUE.equals(attributes.get(DROPPED)) || attributes.get(ERROR_TYPE) != null;
    }

    /** Spans that a backend did not take, retries included. */
    long exportFailed() {
        return notTaken.get();
    }

    /** Steps for whose spans there was no room. */
    long stepQueueFull() {
        return steps.getAsLong();
    }

    /** Logs what was lost since the last time, if anything. */
    synchronized void tell() {
        long full = queueFull();
        long failed = exportFailed();
        long now = full + failed + stepQueueFull();
        if (now > told) {
            LOGGER.log(
                    System.Logger.Level.WARNING,
                    (now - told) + " spans were lost; since the start " + full + " as the queue was full, " + failed
                            + " as the backend did not take them (" + lastFailure + "), " + stepQueueFull()
                            + " steps; requests were not affected");
            told = now;
        }
    }

    /** The same exporter, with an eye on how it fares. */
    SpanExporter watch(SpanExporter exporter) {
        return new SpanExporter() {
            @Override
            public CompletableResultCode export(Collection<SpanData> spans) {
                int count = spans.size();
                CompletableResultCode result = exporter.export(spans);
                result.whenComplete(() -> {
                    if (!result.isSuccess()) {
                        notTaken.addAndGet(count);
                        Throwable cause = result.getFailureThrowable();
                        lastFailure = cause == null ? "no reason given" : String.valueOf(cause.getMessage());
                    }
                });
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

            @Override
            public String toString() {
                return exporter.toString();
            }
        };
    }

    @Override
    public void register(CollectionRegistration registration) {
        metrics = registration;
    }

    @Override
    public AggregationTemporality getAggregationTemporality(InstrumentType type) {
        return AggregationTemporality.CUMULATIVE;
    }

    @Override
    public CompletableResultCode forceFlush() {
        return CompletableResultCode.ofSuccess();
    }

    @Override
    public CompletableResultCode shutdown() {
        if (clock != null) {
            clock.shutdownNow();
            tell();
        }
        return CompletableResultCode.ofSuccess();
    }
}
