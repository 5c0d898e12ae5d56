package dev.spandrel.sidecar.metrics;

/**
 * The books of one lane, in items. At every moment {@code received = delivered + rejected + quarantined + queued}: an
 * item enters as queued and leaves into one of the three others. All entries of one event are made under one lock, so a
 * snapshot never shows half an event. The journal counts what it keeps on its own, and the tests hold the two together.
 */
public final class Ledger {
    private long received;
    private long delivered;
    private long rejected;
    private long quarantined;
    private long queued;
    private long resent;

    /** One moment of a {@link Ledger}. */
    public record Snapshot(
            long received, long delivered, long rejected, long quarantined, long queued, long duplicatesPossible) {
        /** Whether nothing is missing: the promise of this sidecar. */
        public boolean balanced() {
            return received == delivered + rejected + quarantined + queued;
        }
    }

    /** Items became durable, or were found durable at start. */
    public synchronized void received(long items) {
        received += items;
        queued += items;
    }

    /** A backend answered for items: it took some and rejected the others. */
    public synchronized void answered(long deliveredItems, long rejectedItems) {
        delivered += deliveredItems;
        rejected += rejectedItems;
        queued -= deliveredItems + rejectedItems;
    }

    /** Items were put aside as undeliverable. */
    public synchronized void quarantined(long items) {
        quarantined += items;
        queued -= items;
    }

    /** Items found to be damaged on disk: they are no longer there to be counted as received. */
    public synchronized void damaged(long items) {
        received -= items;
        queued -= items;
    }

    /** Items whose first answer was lost were sent again; the backend may hold them twice. */
    public synchronized void duplicatesPossible(long items) {
        resent += items;
    }

    public synchronized Snapshot snapshot() {
        return new Snapshot(received, delivered, rejected, quarantined, queued, resent);
    }
}
