package dev.spandrel.server;

import dev.spandrel.server.telemetry.OtlpSettings;
import dev.spandrel.server.telemetry.Telemetry;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Builds the OpenTelemetry SDK beside the loading of the model. */
final class TelemetryStart implements AutoCloseable {
    private static final String SERVICE_NAME = "spandrel-server";

    /** A backend that is gone must not hold up the end of a pod: Kubernetes gives 30 s in all. */
    private static final Duration FLUSH = Duration.ofSeconds(5);

    private final CompletableFuture<Optional<Telemetry>> sdk;
    private boolean handedOver;

    private TelemetryStart(CompletableFuture<Optional<Telemetry>> sdk) {
        this.sdk = sdk;
    }

    static TelemetryStart begin(OtlpSettings settings) {
        Optional<Telemetry> agent = Telemetry.ofAgent();
        if (agent.isPresent()) {
            return new TelemetryStart(CompletableFuture.completedFuture(agent));
        }
        if (!settings.on()) {
            return new TelemetryStart(CompletableFuture.completedFuture(Optional.empty()));
        }
        CompletableFuture<Optional<Telemetry>> sdk = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("telemetry-start").start(() -> {
            try {
                sdk.complete(Optional.of(Telemetry.start(settings, SERVICE_NAME, FLUSH)));
            } catch (RuntimeException | LinkageError e) {
                sdk.completeExceptionally(e);
            }
        });
        return new TelemetryStart(sdk);
    }

    /** The SDK, empty where tracing is off; from now on the caller's to close. */
    Optional<Telemetry> await() {
        try {
            Optional<Telemetry> telemetry = sdk.join();
            handedOver = true;
            return telemetry;
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** Takes it back from a caller that failed. */
    void discard() {
        handedOver = false;
    }

    @Override
    public void close() {
        if (!handedOver) {
            sdk.thenAccept(telemetry -> telemetry.ifPresent(Telemetry::close));
        }
    }
}
