package dev.spandrel.server;

import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits with a deadline; generous, since it is only reached when a test fails. */
public final class Waiting {
    private static final long SECONDS = 20;

    private Waiting() {}

    public static void on(CountDownLatch latch, String what) {
        try {
            if (!latch.await(SECONDS, TimeUnit.SECONDS)) {
                fail("waited " + SECONDS + " s in vain for " + what);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail("interrupted while waiting for " + what);
        }
    }

    public static <T> T take(BlockingQueue<T> queue, String what) {
        try {
            T value = queue.poll(SECONDS, TimeUnit.SECONDS);
            if (value == null) {
                fail("waited " + SECONDS + " s in vain for " + what);
            }
            return value;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return fail("interrupted while waiting for " + what);
        }
    }

    public static void until(BooleanSupplier condition, String what) {
        long deadline = System.nanoTime() + Duration.ofSeconds(SECONDS).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) {
                fail("waited " + SECONDS + " s in vain until " + what);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }
}
