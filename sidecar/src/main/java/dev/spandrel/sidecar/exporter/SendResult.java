package dev.spandrel.sidecar.exporter;

import dev.spandrel.sidecar.otlp.PartialSuccess;
import java.time.Duration;

/** What came of sending one request: every answer of every transport is read as one of these three. */
public sealed interface SendResult {
    /** The backend has answered for all of it; what it rejected must not be sent again (OTLP, partial success). */
    record Delivered(PartialSuccess partial) implements SendResult {}

    /**
     * The refusal is about the destination: the same bytes again, later.
     *
     * @param atLeast the wait the backend asked for; zero where it did not
     * @param loud whether people should look, because the code is not one that waiting usually cures
     * @param maybeDelivered whether the request may have been taken and only its answer was lost
     */
    record Retryable(String reason, Duration atLeast, boolean loud, boolean maybeDelivered) implements SendResult {}

    /**
     * The refusal is about the data: the same bytes will be refused again.
     *
     * @param tooLarge whether size was named as the reason, or overload that looks like it
     */
    record Permanent(String reason, boolean tooLarge) implements SendResult {}
}
