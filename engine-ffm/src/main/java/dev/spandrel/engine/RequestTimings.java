package dev.spandrel.engine;

/**
 * The stamps of one request, all readings of the engine's monotonic clock in nanoseconds; {@link #NOT_REACHED} for a
 * point it never came to. Differences are meaningful, absolute values are not.
 *
 * @param arrivalNanos the request came in
 * @param queuedNanos tokenised and offered to the scheduler
 * @param firstScheduledNanos first in a step
 * @param firstTokenNanos first token sampled
 * @param lastTokenNanos latest token sampled
 * @param finishedNanos ended, for whatever reason
 * @param preemptions times it lost its blocks and had to wait again
 */
public record RequestTimings(
        long arrivalNanos,
        long queuedNanos,
        long firstScheduledNanos,
        long firstTokenNanos,
        long lastTokenNanos,
        long finishedNanos,
        int preemptions) {

    /** A point the request never came to. */
    public static final long NOT_REACHED = Long.MIN_VALUE;

    /**
     * Seconds between two stamps of one record, 0 where either was not reached.
     *
     * @param fromNanos the earlier stamp
     * @param toNanos the later stamp
     */
    public static double seconds(long fromNanos, long toNanos) {
        return fromNanos == NOT_REACHED || toNanos == NOT_REACHED ? 0 : (toNanos - fromNanos) / 1e9;
    }
}
