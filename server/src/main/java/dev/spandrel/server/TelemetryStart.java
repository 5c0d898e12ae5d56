package dev.spandrel.server;

import dev.spandrel.engine.StartPhase;
import dev.spandrel.server.telemetry.ClockAnchor;
import dev.spandrel.server.telemetry.OtlpSettings;
import dev.spandrel.server.telemetry.StartSpans;
import dev.spandrel.server.telemetry.Telemetry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;

/**
 * Builds the OpenTelemetry SDK beside the loading of the model, and tells by it how the start went. Closing it gives the SDK
 * back, unless somebody took it.
 */
final class TelemetryStart implements AutoCloseable {
    private static final String SERVICE_NAME = "spandrel-server";

    /** A backend that is gone must not hold up the end of a pod: Kubernetes gives 30 s in all. */
    private static final Duration FLUSH = Duration.ofSeconds(5);

    /** Somebody waits to read what went wrong. */
    private static final Duration FLUSH_OF_FAILURE = Duration.ofSeconds(2);

    private final CompletableFuture<Optional<Telemetry>> sdk;
    private final LongSupplier nanoClock;
    private final long startNanos;
    private final List<StartPhase> phases = new CopyOnWriteArrayList<>();
    private boolean handedOver;

    private TelemetryStart(CompletableFuture<Optional<Telemetry>> sdk, LongSupplier nanoClock) {
        this.sdk = sdk;
        this.nanoClock = nanoClock;
        this.startNanos = nanoClock.getAsLong();
    }

    /** @param nanoClock the engine's */
    static TelemetryStart begin(OtlpSettings settings, LongSupplier nanoClock) {
        Optional<Telemetry> agent = Telemetry.ofAgent();
        if (agent.isPresent() || !settings.on()) {
            return new TelemetryStart(CompletableFuture.completedFuture(agent), nanoClock);
        }
        CompletableFuture<Optional<Telemetry>> sdk = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("telemetry-start").start(() -> {
            try {
                sdk.complete(Optional.of(Telemetry.start(settings, SERVICE_NAME, FLUSH)));
            } catch (RuntimeException | LinkageError e) {
                sdk.completeExceptionally(e);
            }
        });
        return new TelemetryStart(sdk, nanoClock);
    }

    /** A part of the start is over. */
    void phase(StartPhase phase) {
        phases.add(phase);
    }

    /** The SDK, empty where tracing is off; the caller's to close once it {@link #succeeded}. */
    Optional<Telemetry> await() {
        try {
            return sdk.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** The server listens. */
    void succeeded() {
        handedOver = true;
        await().ifPresent(telemetry -> spans(telemetry).succeeded(phases, startNanos, nanoClock.getAsLong()));
    }

    /** It never will; sends the trace that says so, for a bounded time. */
    void failed(Throwable cause) {
        handedOver = true;
        long endNanos = nanoClock.getAsLong();
        // Where the SDK could not be made either, the cause is what there is to tell.
        sdk.exceptionally(_ -> Optional.empty()).join().ifPresent(telemetry -> {
            spans(telemetry).failed(phases, cause, startNanos, endNanos);
            telemetry.close(FLUSH_OF_FAILURE);
        });
    }

    private StartSpans spans(Telemetry telemetry) {
        return new StartSpans(
                telemetry, ClockAnchor.take(InstantSource.system(), nanoClock), OtlpSettings::processEnvironment);
    }

    @Override
    public void close() {
        if (!handedOver) {
            sdk.thenAccept(telemetry -> telemetry.ifPresent(Telemetry::close));
        }
    }
}
