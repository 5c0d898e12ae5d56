package dev.spandrel.sidecar.exporter;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next try: doubling from {@code initial} to {@code max}, each wait shortened at random by up
 * to half so that many sidecars do not come back together. There is no last try.
 */
public record RetryPolicy(Duration initial, Duration max, RandomGenerator random) {
    private static final int LARGEST_SHIFT = 20;

    /** A wait of days is a broken clock or a broken peer, not an order; after an hour it is worth asking again. */
    private static final Duration LONGEST_ASKED = Duration.ofHours(1);

    /**
     * The wait after a failure.
     *
     * @param failures failures in a row, from 1
     * @param atLeast what the backend asked for, of which an hour counts; the wait is never shorter, and grows from it
     */
    public Duration delay(int failures, Duration atLeast) {
        long cap = max.toNanos();
        long doubled = initial.toNanos() << Math.min(failures - 1, LARGEST_SHIFT);
        long backoff = doubled <= 0 || doubled > cap ? cap : doubled;
        long jittered = backoff / 2 + random.nextLong(backoff / 2 + 1);
        Duration asked = atLeast.compareTo(LONGEST_ASKED) > 0 ? LONGEST_ASKED : atLeast;
        return asked.isZero() ? Duration.ofNanos(jittered) : asked.plusNanos(jittered / 4);
    }
}
