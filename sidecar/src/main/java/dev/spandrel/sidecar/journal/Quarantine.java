package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.otlp.Signal;

/** Where undeliverable pieces go: bounded, and kept for people to look at and to replay. Safe for any thread. */
public interface Quarantine extends AutoCloseable {
    /**
     * One piece put aside.
     *
     * @param epochMillis when it was put aside
     * @param reason what the backend said
     * @param copy whether the piece was answered for already (a partial success) and is kept only as evidence
     */
    record Piece(
            String destination, Signal signal, long epochMillis, int items, String reason, boolean copy, byte[] body) {}

    /** Puts a piece aside for good; false, and nothing kept, where there is no room. */
    boolean put(Piece piece);

    /** Bytes kept. */
    long bytes();

    @Override
    void close();
}
