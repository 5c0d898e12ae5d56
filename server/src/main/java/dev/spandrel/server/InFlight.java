package dev.spandrel.server;

import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Counts requests under way and answers that go on without their clients, so that a stopping server can wait for them. */
final class InFlight implements Filter {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition none = lock.newCondition();
    private int count;

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        add(1);
        try {
            chain.proceed();
        } finally {
            add(-1);
        }
    }

    /** Counts so many more. */
    void add(int change) {
        lock.lock();
        try {
            count += change;
            if (count == 0) {
                none.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits until no request is under way, or for the time given; returns whether none is. */
    boolean await(Duration atMost) {
        long left = atMost.toNanos();
        lock.lock();
        try {
            while (count > 0 && left > 0) {
                left = none.awaitNanos(left);
            }
            return count == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }
}
