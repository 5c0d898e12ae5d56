package dev.spandrel.sidecar.otlp;

/** Bytes that are not what they claim to be; the message says what was found, where, and what was expected. */
public final class MalformedTelemetryException extends Exception {
    private static final long serialVersionUID = 1L;

    public MalformedTelemetryException(String message) {
        super(message);
    }

    public MalformedTelemetryException(String message, Throwable cause) {
        super(message, cause);
    }
}
