package dev.spandrel.sidecar.delivery;

import dev.spandrel.sidecar.time.Ticker;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The waits of a lane, all of which end at once when it is told to stop. */
final class Pause {
    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition stop = lock.newCondition();
    private boolean stopped;

    Pause(Ticker ticker) {
        this.ticker = ticker;
    }

    /** Waits; returns early only when stopped. */
    void of(Duration wait) throws InterruptedException {
        lock.lock();
        try {
            long deadline = ticker.nanoTime() + wait.toNanos();
            long left = wait.toNanos();
            while (!stopped && left > 0) {
                ticker.await(stop, left);
                left = deadline - ticker.nanoTime();
            }
        } finally {
            lock.unlock();
        }
    }

    void stop() {
        lock.lock();
        try {
            stopped = true;
            stop.signalAll();
        } finally {
            lock.unlock();
        }
    }

    boolean stopped() {
        lock.lock();
        try {
            return stopped;
        } finally {
            lock.unlock();
        }
    }
}
