package dev.spandrel.sidecar.journal;

import java.util.Optional;

/**
 * One destination's place in a {@link Journal}: where it reads, and up to where it has settled. Reading and settling may
 * happen on different threads; records are settled in any order, and the place moves over the gapless part.
 */
public interface JournalReader extends AutoCloseable {
    /** The next record not yet read, waiting up to {@code timeoutNanos} for one; empty where none came. */
    Optional<JournalRecord> next(long timeoutNanos) throws InterruptedException;

    /**
     * Waits until about so many bytes more were kept, up to {@code timeoutNanos}: whoever fills a batch need not be woken
     * for each record. False when the time is over or the journal closed.
     */
    boolean awaitBytes(long bytes, long timeoutNanos) throws InterruptedException;

    /**
     * The records {@code first..last}, read before and adjoining each other, need not be read again: they were delivered,
     * rejected or quarantined, and the ledger says so.
     *
     * @param items how many items they hold together
     */
    void settle(long first, long last, long items);

    /** Makes the place safe. Called after the journal was closed and nobody reads any more. */
    @Override
    void close();
}
