package dev.spandrel.sidecar.journal;

import java.time.Duration;

/** The journal cannot keep a record now. Trying again later can help, so it says how much later. */
public final class JournalException extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient Duration retryDelay;

    public JournalException(String message, Duration retryDelay) {
        super(message);
        this.retryDelay = retryDelay;
    }

    public JournalException(String message, Duration retryDelay, Throwable cause) {
        super(message, cause);
        this.retryDelay = retryDelay;
    }

    public Duration retryDelay() {
        return retryDelay;
    }
}
