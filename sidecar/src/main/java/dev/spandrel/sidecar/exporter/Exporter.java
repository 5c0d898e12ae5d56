package dev.spandrel.sidecar.exporter;

import dev.spandrel.sidecar.otlp.EncodedRequest;

/** Sends requests to one destination. Safe for several threads; each call blocks its own until there is an answer. */
public interface Exporter extends AutoCloseable {
    /** Sends once. Never throws: what goes wrong is in the result. */
    SendResult send(EncodedRequest request);

    /** Fields left out so far because the protocol has no name for them. */
    default long unknownFields() {
        return 0;
    }

    /** Ends what is under way, whose senders get a {@link SendResult.Retryable}. Closing twice is harmless. */
    @Override
    void close();
}
