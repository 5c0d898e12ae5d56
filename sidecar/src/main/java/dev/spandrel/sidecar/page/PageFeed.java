package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.span.SpanDecoder;
import dev.spandrel.sidecar.time.Ticker;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * From the intake to store, dashboard and open pages. {@link #kept} only queues; one thread of its own decodes. When more
 * arrives than can be held, whole requests are not shown and counted: they were kept and go their way all the same.
 */
final class PageFeed implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(PageFeed.class.getName());

    /** Each open page has a thread and a set of ids. */
    static final int MAX_PAGES = 32;

    private record Kept(Signal signal, byte[] body) {}

    private final TraceStore store;
    private final Dashboard dashboard;
    private final Ticker ticker;
    private final long maxQueuedBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Kept> queue = new ArrayDeque<>();
    private final List<LiveChanges> pages = new CopyOnWriteArrayList<>();
    private final AtomicLong notShown = new AtomicLong();
    private final Thread thread;
    private long queuedBytes;
    private boolean closed;

    PageFeed(TraceStore store, Dashboard dashboard, Ticker ticker, long maxQueuedBytes) {
        this.store = store;
        this.dashboard = dashboard;
        this.ticker = ticker;
        this.maxQueuedBytes = maxQueuedBytes;
        this.thread = Thread.ofPlatform().daemon().name("trace-page").start(this::run);
    }

    /** Takes note of a kept request; never blocks on the showing. */
    void kept(Signal signal, byte[] body) {
        if (signal != Signal.TRACES && signal != Signal.METRICS) {
            return;
        }
        lock.lock();
        try {
            if (queuedBytes + body.length > maxQueuedBytes) {
                notShown.incrementAndGet();
                return;
            }
            queue.add(new Kept(signal, body));
            queuedBytes += body.length;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    /** Requests that are not shown: too many at once, or not readable. */
    long notShown() {
        return notShown.get();
    }

    /** Opens a page's list of changes; empty when too many are open. */
    Optional<LiveChanges> open() {
        lock.lock();
        try {
            if (closed || pages.size() >= MAX_PAGES) {
                return Optional.empty();
            }
            LiveChanges page = new LiveChanges(ticker);
            pages.add(page);
            return Optional.of(page);
        } finally {
            lock.unlock();
        }
    }

    void left(LiveChanges page) {
        pages.remove(page);
    }

    private void run() {
        try {
            for (Optional<Kept> kept = take(); kept.isPresent(); kept = take()) {
                show(kept.get());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Optional<Kept> take() throws InterruptedException {
        lock.lock();
        try {
            while (queue.isEmpty() && !closed) {
                changed.await();
            }
            Kept next = closed ? null : queue.remove();
            queuedBytes -= next == null ? 0 : next.body().length;
            return Optional.ofNullable(next);
        } finally {
            lock.unlock();
        }
    }

    private void show(Kept kept) {
        try {
            if (kept.signal() == Signal.TRACES) {
                traces(kept.body());
            } else if (dashboard.accept(kept.body(), ticker.epochMillis())) {
                pages.forEach(LiveChanges::metrics);
            }
        } catch (MalformedTelemetryException | RuntimeException e) {
            // one request that cannot be shown must not end the showing of the others
            notShown.incrementAndGet();
            LOG.log(
                    Level.DEBUG,
                    "a request of {0} cannot be shown: {1}",
                    kept.signal().word(),
                    e.getMessage());
        }
    }

    private void traces(byte[] body) throws MalformedTelemetryException {
        Set<String> added = new LinkedHashSet<>();
        List<String> gone = new ArrayList<>();
        for (Map.Entry<String, byte[]> piece : TraceSplitter.split(body).entrySet()) {
            gone.addAll(store.add(piece.getKey(), piece.getValue(), SpanDecoder.decode(piece.getValue())));
            added.add(piece.getKey());
        }
        pages.forEach(page -> page.traces(added, gone));
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signal();
        } finally {
            lock.unlock();
        }
        pages.forEach(LiveChanges::close);
        try {
            thread.join(TimeUnit.SECONDS.toMillis(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
