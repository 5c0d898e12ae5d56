package dev.spandrel.server.telemetry;

/** A flag or OTEL_* variable that cannot be followed; thrown at start only, the message is for the user. */
public final class TelemetryConfigException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TelemetryConfigException(String message) {
        super(message);
    }
}
