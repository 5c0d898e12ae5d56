package dev.spandrel.server.process;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** Waits for what other processes do, with a deadline that is only reached when a test fails. */
final class Await {
    static final Duration LIMIT = Duration.ofSeconds(60);
    private static final long POLL_NANOS = 2_000_000;

    private Await() {}

    /** Returns once the condition holds; fails with what {@code state} says then. */
    static void until(String what, BooleanSupplier condition, Supplier<String> state) {
        present(what, () -> condition.getAsBoolean() ? Optional.of(true) : Optional.empty(), state);
    }

    /** Returns the value once there is one. */
    static <T> T present(String what, Supplier<Optional<T>> value, Supplier<String> state) {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        Optional<T> found = value.get();
        while (found.isEmpty()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("waited " + LIMIT.toSeconds() + " s in vain for " + what + "\n" + state.get());
            }
            LockSupport.parkNanos(POLL_NANOS);
            found = value.get();
        }
        return found.get();
    }
}
