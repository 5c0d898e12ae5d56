package dev.spandrel.sidecar.admin;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.span.SpanDecoder;
import dev.spandrel.sidecar.span.SpanView;
import dev.spandrel.sidecar.time.Ticker;
import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Prints each trace once it is quiet: a second after its last span where the root is there, ten seconds where it is not.
 * {@link #kept} only queues; decoding and printing have a thread of their own. When more arrives than can be held, whole
 * requests go unprinted and a line says how many.
 */
public final class TracePrinter implements AutoCloseable {
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long ROOTLESS_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final int MAX_QUEUED_BYTES = 16 << 20;
    private static final int MAX_SPANS = 20_000;

    private static final class Pending {
        private final List<SpanView> spans = new ArrayList<>();
        private boolean root;
        private long lastNanos;

        long dueNanos() {
            return lastNanos + (root ? QUIET_NANOS : ROOTLESS_NANOS);
        }
    }

    private final PrintStream out;
    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<byte[]> queue = new ArrayDeque<>();
    private final Map<String, Pending> traces = new LinkedHashMap<>();
    private final Thread thread;
    private int queuedBytes;
    private int pendingSpans;
    private long unprinted;
    private boolean closed;

    public TracePrinter(PrintStream out, Ticker ticker) {
        this.out = out;
        this.ticker = ticker;
        this.thread = Thread.ofPlatform().daemon().name("trace-printer").start(this::run);
    }

    /** Takes note of a kept request; never blocks on the printing. */
    public void kept(Signal signal, byte[] body) {
        if (signal != Signal.TRACES) {
            return;
        }
        lock.lock();
        try {
            if (queuedBytes + body.length > MAX_QUEUED_BYTES) {
                unprinted++;
                return;
            }
            queue.add(body);
            queuedBytes += body.length;
            changed.signal();
        } finally {
            lock.unlock();
        }
    }

    private void run() {
        try {
            List<byte[]> bodies = take();
            while (!bodies.isEmpty() || !isClosed()) {
                bodies.forEach(this::decode);
                printDue(ticker.nanoTime());
                bodies = take();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        printDue(Long.MAX_VALUE);
    }

    private List<byte[]> take() throws InterruptedException {
        lock.lock();
        try {
            if (queue.isEmpty() && !closed) {
                ticker.await(changed, traces.isEmpty() ? ROOTLESS_NANOS : QUIET_NANOS / 10);
            }
            List<byte[]> taken = new ArrayList<>(queue);
            queue.clear();
            queuedBytes = 0;
            if (unprinted > 0) {
                out.println("(" + unprinted + " requests arrived too fast to be printed; they were kept all the same)");
                unprinted = 0;
            }
            return taken;
        } finally {
            lock.unlock();
        }
    }

    private boolean isClosed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    private void decode(byte[] body) {
        try {
            for (SpanView span : SpanDecoder.decode(body)) {
                Pending pending = traces.computeIfAbsent(span.traceId(), _ -> new Pending());
                pending.spans.add(span);
                pending.root |= span.root();
                pending.lastNanos = ticker.nanoTime();
                pendingSpans++;
            }
        } catch (MalformedTelemetryException e) {
            out.println("(a request of traces cannot be shown: " + TraceTree.escape(e.getMessage()) + ")");
        }
        while (pendingSpans > MAX_SPANS) {
            print(traces.keySet().iterator().next());
        }
    }

    private void printDue(long now) {
        List.copyOf(traces.entrySet()).stream()
                .filter(trace -> now == Long.MAX_VALUE || now - trace.getValue().dueNanos() >= 0)
                .forEach(trace -> print(trace.getKey()));
        out.flush();
    }

    private void print(String traceId) {
        Pending trace = traces.remove(traceId);
        pendingSpans -= trace.spans.size();
        out.print(TraceTree.format(traceId, trace.spans));
    }

    /** Prints what is left, quiet or not. Closing twice is harmless. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signal();
        } finally {
            lock.unlock();
        }
        try {
            thread.join(TimeUnit.SECONDS.toMillis(2));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
