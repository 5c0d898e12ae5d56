package dev.spandrel.server.telemetry;

import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * Ties the monotonic clock to the wall clock at one moment. All spans of one request use one anchor, so a step of the
 * wall clock in the middle can neither reorder nor stretch them.
 *
 * @param epochNanos the wall clock at that moment, nanoseconds since the epoch
 * @param monotonicNanos the monotonic clock at the same moment
 */
public record ClockAnchor(long epochNanos, long monotonicNanos) {
    /** Reads both clocks. */
    public static ClockAnchor take(InstantSource wall, LongSupplier monotonic) {
        Instant now = wall.instant();
        return new ClockAnchor(now.getEpochSecond() * 1_000_000_000L + now.getNano(), monotonic.getAsLong());
    }

    /** Wall-clock time, nanoseconds since the epoch, of a reading of the monotonic clock. */
    public long epochNanosAt(long nanos) {
        return epochNanos + (nanos - monotonicNanos);
    }
}
