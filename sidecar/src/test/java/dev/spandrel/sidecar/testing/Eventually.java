package dev.spandrel.sidecar.testing;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for a condition with a deadline, for what has no latch to wait on. */
public final class Eventually {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private Eventually() {}

    /** Returns once the condition holds; fails with what {@code state} says after half a minute. */
    public static void that(BooleanSupplier condition, Supplier<Object> state) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("not within " + LIMIT + ": " + state.get());
            }
            LockSupport.parkNanos(2_000_000);
        }
    }
}
