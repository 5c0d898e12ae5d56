package dev.spandrel.sidecar.time;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;

/** A clock that can also be waited on. */
public interface Ticker {
    /** The clock of the machine. */
    Ticker SYSTEM = new Ticker() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public long epochMillis() {
            return System.currentTimeMillis();
        }

        @Override
        public void await(Condition condition, long nanos) throws InterruptedException {
            condition.await(nanos, TimeUnit.NANOSECONDS);
        }
    };

    /** Monotonic nanoseconds, with an origin of its own. */
    long nanoTime();

    /** Milliseconds since 1970, for people and for other machines; may jump. */
    long epochMillis();

    /**
     * Waits for a signal, for at most {@code nanos} of this clock's time. The caller holds the lock of the condition and
     * checks afterwards what became true; like every wait it may return early.
     */
    void await(Condition condition, long nanos) throws InterruptedException;
}
