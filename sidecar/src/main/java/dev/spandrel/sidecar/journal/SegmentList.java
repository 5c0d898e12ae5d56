package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.time.Ticker;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The segments of one journal in order, and the bell that is rung for readers when something was published. The last one
 * may be open: the writer thread adds to it, readers see only what it has published. Safe for any thread.
 */
final class SegmentList {
    /** How far a segment may be read, and whether that is its end; one look under the lock. */
    record Extent(long readable, boolean end) {}

    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition published = lock.newCondition();
    private final Condition filled = lock.newCondition();
    private final TreeMap<Long, Segment> segments = new TreeMap<>();
    private long publishedBytes;
    private long wakeAtBytes = Long.MAX_VALUE;
    private boolean closed;

    SegmentList(Ticker ticker) {
        this.ticker = ticker;
    }

    void add(Segment segment) {
        lock.lock();
        try {
            segments.put(segment.base(), segment);
        } finally {
            lock.unlock();
        }
    }

    Segment last() {
        lock.lock();
        try {
            return segments.lastEntry().getValue();
        } finally {
            lock.unlock();
        }
    }

    /** Nothing will be added to the last segment. */
    Segment closeLast() {
        lock.lock();
        try {
            Segment last = segments.lastEntry().getValue();
            last.close();
            return last;
        } finally {
            lock.unlock();
        }
    }

    /** Records up to a sequence and a size of the last segment are safe: whoever waits for them may read them. */
    void publish(long sequence, int items, long size) {
        lock.lock();
        try {
            Segment last = segments.lastEntry().getValue();
            publishedBytes += size - last.readable();
            last.publish(sequence, items, size);
            published.signalAll();
            if (publishedBytes >= wakeAtBytes) {
                wakeAtBytes = Long.MAX_VALUE;
                filled.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** The segment after the one with this base; 0 asks for the first. */
    Optional<Segment> after(long base) {
        lock.lock();
        try {
            return Optional.ofNullable(segments.higherEntry(base)).map(entry -> entry.getValue());
        } finally {
            lock.unlock();
        }
    }

    Extent extent(Segment segment) {
        lock.lock();
        try {
            return new Extent(segment.readable(), segment.closed());
        } finally {
            lock.unlock();
        }
    }

    /** Waits until something was published after {@code sequence}; false when time is over or the journal closed. */
    boolean awaitAfter(long sequence, long timeoutNanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long deadline = ticker.nanoTime() + timeoutNanos;
            while (segments.isEmpty() || segments.lastEntry().getValue().lastSequence() <= sequence) {
                long left = deadline - ticker.nanoTime();
                if (left <= 0 || closed) {
                    return false;
                }
                ticker.await(published, left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until {@code bytes} more were published; false when the time is over or the journal closed. */
    boolean awaitBytes(long bytes, long timeoutNanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long deadline = ticker.nanoTime() + timeoutNanos;
            long target = publishedBytes + bytes;
            long left = timeoutNanos;
            while (publishedBytes < target && left > 0 && !closed) {
                wakeAtBytes = Math.min(wakeAtBytes, target);
                ticker.await(filled, left);
                left = deadline - ticker.nanoTime();
            }
            return publishedBytes >= target;
        } finally {
            lock.unlock();
        }
    }

    /** Takes out the closed segments at the front that hold nothing after {@code settled}. */
    List<Segment> removeSettled(long settled) {
        List<Segment> done = new ArrayList<>();
        lock.lock();
        try {
            while (!segments.isEmpty() && deletable(segments.firstEntry().getValue(), settled)) {
                done.add(segments.pollFirstEntry().getValue());
            }
        } finally {
            lock.unlock();
        }
        return done;
    }

    private static boolean deletable(Segment segment, long settled) {
        return segment.closed() && segment.lastSequence() <= settled;
    }

    /** Items in records after {@code settled}, reading the one segment that lies across it. */
    long itemsAfter(long settled, Storage storage) throws IOException {
        List<Segment> all;
        lock.lock();
        try {
            all = List.copyOf(segments.values());
        } finally {
            lock.unlock();
        }
        long items = 0;
        for (Segment segment : all) {
            if (segment.base() > settled) {
                items += segment.items();
            } else if (segment.lastSequence() > settled) {
                items += SegmentReader.itemsAfter(storage, segment, settled);
            }
        }
        return items;
    }

    /** Wakes whoever waits; what was published can still be read. */
    void close() {
        lock.lock();
        try {
            closed = true;
            published.signalAll();
            filled.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
