package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.metrics.Ledger;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/**
 * The kept telemetry of one signal, in order of arrival. Any thread appends; each destination reads with a
 * {@link JournalReader} of its own. A record goes when every reader has settled it. Bounded in bytes.
 */
public interface Journal extends AutoCloseable {
    /**
     * Keeps one encoded export request. The future completes when the record is as safe as this journal promises, which
     * is when the sender may be told so; it fails with a {@link JournalException}, and then nothing was kept.
     *
     * @param body shared from now on, never changed by either side
     * @param items spans, data points, log records or profiles in the body
     */
    CompletableFuture<Void> append(byte[] body, int items);

    /**
     * The reader of a destination, starting after what that destination has settled. What is already kept for it is
     * entered in the ledger as received. Called once per destination, before the first append.
     */
    JournalReader reader(String destination, Ledger ledger);

    /** Bytes kept, with the overhead of keeping them. */
    long bytes();

    /** Bytes at which appending stops. */
    long capacity();

    /** Bytes of the largest body that an otherwise empty journal keeps; a larger one never finds room. */
    long largestBody();

    /** Items kept. */
    long items();

    /** When the oldest kept record arrived, in milliseconds since 1970; empty where none is kept. */
    OptionalLong oldestEpochMillis();

    /** Whether the last attempt to keep something succeeded; being full is no failure. */
    boolean writable();

    /** Damaged stretches of records stepped over, at start and since. */
    long damages();

    /** Items given up to make room, where this journal was told to do that. */
    long evictedItems();

    /** Takes no more, makes safe what was taken, wakes every reader. Closing twice is harmless. */
    @Override
    void close();
}
