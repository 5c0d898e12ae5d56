package dev.spandrel.sidecar.exporter;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next try: doubling from {@code initial} to {@code max}, each wait shortened at random by up
 * to half so that many sidecars do not come back together. There is no last try.
 */
public record RetryPolicy(Duration initial, Duration max, RandomGenerator random) {
    private static final int LARGEST_SHIFT = 20;

    /**
     * The wait after a failure.
     *
     * @param failures failures in a row, from 1
     * @param atLeast what the backend asked for; the wait is never shorter, and grows from it
     */
    public Duration delay(int failures, Duration atLeast) {
        long cap = max.toNanos();
        long doubled = initial.toNanos() << Math.min(failures - 1, LARGEST_SHIFT);
        long backoff = doubled <= 0 || doubled > cap ? cap : doubled;
        long jittered = backoff / 2 + random.nextLong(backoff / 2 + 1);
        return Duration.ofNanos(atLeast.isZero() ? jittered : Math.addExact(atLeast.toNanos(), jittered / 4));
    }
}
