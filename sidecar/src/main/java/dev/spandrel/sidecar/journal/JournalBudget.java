package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.otlp.Signal;

/**
 * The bytes all journals may use together. Each signal is sure of a sixteenth, so that one whose destination takes
 * nothing (metrics sent to a backend of traces, say) cannot crowd out the others. Safe for any thread.
 */
public final class JournalBudget {
    private static final int SURE_PARTS = 16;

    private final long limit;
    private final long[] used = new long[Signal.values().length];

    public JournalBudget(long limit) {
        if (limit <= 0) {
            throw new IllegalArgumentException("expected a positive number of bytes, found " + limit);
        }
        this.limit = limit;
    }

    public long limit() {
        return limit;
    }

    /** Takes bytes for a signal; false, and none taken, where they would not fit. */
    public synchronized boolean tryTake(Signal signal, long bytes) {
        if (used[signal.ordinal()] + bytes > limit - elsewhere(signal)) {
            return false;
        }
        used[signal.ordinal()] += bytes;
        return true;
    }

    /** Whether bytes would fit now if the signal had no others. */
    public synchronized boolean fitsAlone(Signal signal, long bytes) {
        return bytes <= limit - elsewhere(signal);
    }

    private long elsewhere(Signal signal) {
        long elsewhere = 0;
        for (Signal other : Signal.values()) {
            elsewhere += other == signal ? 0 : Math.max(used[other.ordinal()], limit / SURE_PARTS);
        }
        return elsewhere;
    }

    /** Takes bytes that exist already, found at start, whether they fit or not. */
    public synchronized void take(Signal signal, long bytes) {
        used[signal.ordinal()] += bytes;
    }

    public synchronized void giveBack(Signal signal, long bytes) {
        used[signal.ordinal()] -= bytes;
    }

    public synchronized long used(Signal signal) {
        return used[signal.ordinal()];
    }

    /** The most one signal can have while the others keep to what they are sure of. */
    public long mostOfOne() {
        return limit - (Signal.values().length - 1) * (limit / SURE_PARTS);
    }
}
