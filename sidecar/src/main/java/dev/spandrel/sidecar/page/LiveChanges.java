package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.time.Ticker;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What one open page has not been told yet. The feed only notes ids here, so a slow browser costs no more than a set of
 * them; beyond a limit the page is told everything anew. {@link #await} belongs to the page's own thread.
 */
final class LiveChanges implements AutoCloseable {
    private static final int MAX_NOTED = 5000;

    /** Changes within this time go out together. */
    private static final long GATHER_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /** Proxies and browsers close what is silent for a minute. */
    private static final long HEARTBEAT_NANOS = TimeUnit.SECONDS.toNanos(15);

    /**
     * What happened since the last time.
     *
     * @param reset too much to tell one by one
     * @param metrics whether the dashboard has a new sample
     * @param end whether this is the last
     */
    record Changes(Set<String> changed, List<String> gone, boolean reset, boolean metrics, boolean end) {
        boolean empty() {
            return changed.isEmpty() && gone.isEmpty() && !reset && !metrics;
        }
    }

    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition noted = lock.newCondition();
    private Set<String> changed = new LinkedHashSet<>();
    private List<String> gone = new ArrayList<>();
    private boolean reset;
    private boolean metrics;
    private boolean closed;

    LiveChanges(Ticker ticker) {
        this.ticker = ticker;
    }

    void traces(Set<String> newlyChanged, List<String> newlyGone) {
        lock.lock();
        try {
            if (!reset) {
                changed.addAll(newlyChanged);
                gone.addAll(newlyGone);
                newlyGone.forEach(changed::remove);
            }
            if (changed.size() + gone.size() > MAX_NOTED) {
                reset = true;
                changed.clear();
                gone.clear();
            }
            noted.signal();
        } finally {
            lock.unlock();
        }
    }

    void metrics() {
        lock.lock();
        try {
            metrics = true;
            noted.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Waits for changes; returns none when it is time for a sign of life. */
    Changes await() throws InterruptedException {
        lock.lock();
        try {
            long deadline = ticker.nanoTime() + HEARTBEAT_NANOS;
            while (quiet() && ticker.nanoTime() - deadline < 0) {
                ticker.await(noted, deadline - ticker.nanoTime());
            }
            long gathered = ticker.nanoTime() + GATHER_NANOS;
            while (!closed && !quiet() && ticker.nanoTime() - gathered < 0) {
                ticker.await(noted, gathered - ticker.nanoTime());
            }
            Changes changes = new Changes(changed, gone, reset, metrics, closed);
            changed = new LinkedHashSet<>();
            gone = new ArrayList<>();
            reset = false;
            metrics = false;
            return changes;
        } finally {
            lock.unlock();
        }
    }

    private boolean quiet() {
        return !closed && !metrics && !reset && changed.isEmpty() && gone.isEmpty();
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            noted.signal();
        } finally {
            lock.unlock();
        }
    }
}
