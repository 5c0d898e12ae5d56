package dev.spandrel.sidecar.receiver;

import java.time.Duration;

/**
 * Bounds the bytes of all requests being received at once. A request takes a {@link Lease} and adds to it as it grows;
 * one that would go over the bound is told to come back later. Safe for any thread.
 */
public final class InFlightBytes {
    private static final Duration RETRY_DELAY = Duration.ofSeconds(1);

    private final long limit;
    private long used;

    public InFlightBytes(long limit) {
        this.limit = limit;
    }

    public Lease lease() {
        return new Lease();
    }

    public synchronized long used() {
        return used;
    }

    private synchronized boolean tryTake(long bytes) {
        if (used + bytes > limit) {
            return false;
        }
        used += bytes;
        return true;
    }

    private synchronized void giveBack(long bytes) {
        used -= bytes;
    }

    /** What one request holds. Closing gives it back; closing twice is harmless. */
    public final class Lease implements AutoCloseable {
        private long taken;
        private boolean closed;

        private Lease() {}

        /** Takes bytes more. */
        public synchronized void add(long bytes) throws OtlpError {
            if (closed) {
                return;
            }
            if (!tryTake(bytes)) {
                throw OtlpError.unavailable(
                        "requests of " + used() + " bytes are being received already, the limit is " + limit,
                        RETRY_DELAY);
            }
            taken += bytes;
        }

        @Override
        public synchronized void close() {
            closed = true;
            giveBack(taken);
            taken = 0;
        }
    }
}
