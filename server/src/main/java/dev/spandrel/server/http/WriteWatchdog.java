package dev.spandrel.server.http;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Ends writes that block for too long, and reads of bodies that stop in the middle. A client that stops reading blocks only
 * the virtual thread that writes to it, but Helidon lets it block for ever; after the timeout this interrupts that thread, upon which the JDK closes the socket.
 * One daemon thread looks at all writers four times per timeout; it starts with the first writer.
 */
public final class WriteWatchdog implements AutoCloseable {
    /** From here on a write is one that waited for its client: shorter ones may have waited for a processor. */
    private static final long BLOCKED_NANOS = 20_000_000;

    private static final int BLOCKED_KEPT = 32;

    private final Duration timeout;
    private final LongSupplier nanoClock;
    private final Set<Writer> writers = ConcurrentHashMap.newKeySet();
    private ScheduledExecutorService ticker;

    public WriteWatchdog(Duration timeout, LongSupplier nanoClock) {
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("write timeout must be positive, found " + timeout);
        }
        this.timeout = timeout;
        this.nanoClock = nanoClock;
    }

    /** Watches the writes of the calling thread until closed. */
    public Writer writer() {
        startTicker();
        Writer writer = new Writer(Thread.currentThread());
        writers.add(writer);
        return writer;
    }

    private synchronized void startTicker() {
        if (ticker == null) {
            ticker = Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("write-watchdog").factory());
            long period = Math.max(1, timeout.toNanos() / 4);
            ticker.scheduleAtFixedRate(this::look, period, period, TimeUnit.NANOSECONDS);
        }
    }

    private void look() {
        long now = nanoClock.getAsLong();
        writers.forEach(writer -> writer.interruptIfStalled(now));
    }

    @Override
    public synchronized void close() {
        if (ticker != null) {
            ticker.shutdownNow();
        }
    }

    /** Something that writes to a client, or reads from one. */
    @FunctionalInterface
    public interface Write {
        void run() throws IOException;
    }

    /**
     * A write that had to wait for the client.
     *
     * @param startNanos on the watchdog's clock
     * @param endNanos on the watchdog's clock
     */
    public record Blocked(long startNanos, long endNanos) {
        public long nanos() {
            return endNanos - startNanos;
        }
    }

    /** One thread's writes to one client. */
    public final class Writer implements AutoCloseable {
        private final Thread thread;
        private boolean writing;
        private boolean stalled;
        private long startNanos;
        private long blockedNanos;
        private final List<Blocked> blocked = new ArrayList<>();

        private Writer(Thread thread) {
            this.thread = thread;
        }

        /** Runs a write that may block for the timeout at most; then the socket is closed under it, and it throws. */
        public void write(Write write) throws IOException {
            begin();
            try {
                write.run();
            } finally {
                end();
            }
        }

        /** Whether a write was ended because the client did not read. */
        public synchronized boolean stalled() {
            return stalled;
        }

        private synchronized void begin() {
            startNanos = nanoClock.getAsLong();
            writing = true;
        }

        /** Time in writes that had to wait for the client; a write that had not takes some ten microseconds. */
        public synchronized long blockedNanos() {
            return blockedNanos;
        }

        /** The first of these writes. */
        public synchronized List<Blocked> blocked() {
            return List.copyOf(blocked);
        }

        private synchronized void end() {
            writing = false;
            Blocked write = new Blocked(startNanos, nanoClock.getAsLong());
            if (write.nanos() >= BLOCKED_NANOS) {
                blockedNanos += write.nanos();
                if (blocked.size() < BLOCKED_KEPT) {
                    blocked.add(write);
                }
            }
            if (stalled) {
                Thread.interrupted();
            }
        }

        private synchronized void interruptIfStalled(long nowNanos) {
            if (writing && !stalled && nowNanos - startNanos > timeout.toNanos()) {
                stalled = true;
                thread.interrupt();
            }
        }

        @Override
        public void close() {
            writers.remove(this);
        }
    }
}
