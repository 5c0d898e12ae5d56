package dev.spandrel.sidecar.journal;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Where appenders leave records and the writer takes them in groups, one group for one force. It needs no bound of its
 * own: whoever offers has taken the bytes from the {@link JournalBudget} before. Safe for any thread.
 */
final class GroupQueue {
    /** A group that is this large gains nothing by waiting for more. */
    private static final int FULL_GROUP_BYTES = 1 << 20;

    private final long windowNanos;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private List<PendingRecord> pending = new ArrayList<>();
    private long pendingBytes;
    private boolean crowded;
    private boolean closed;

    /** Groups wait up to {@code window} for company, and only where the last one had any. */
    GroupQueue(Duration window) {
        this.windowNanos = window.toNanos();
    }

    /** Leaves a record; false once closed. */
    boolean offer(PendingRecord record) {
        lock.lock();
        try {
            if (closed) {
                return false;
            }
            pending.add(record);
            pendingBytes += record.recordBytes();
            arrived.signal();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** The next group, waiting for one; empty once closed and emptied. */
    List<PendingRecord> take() throws InterruptedException {
        lock.lock();
        try {
            while (pending.isEmpty() && !closed) {
                arrived.await();
            }
            // A lone sender would only wait longer for its answer, and the timer costs two more wake-ups for each
            // request.
            long window = crowded || pending.size() > 1 ? windowNanos : 0;
            while (window > 0 && pendingBytes < FULL_GROUP_BYTES && !closed) {
                window = arrived.awaitNanos(window);
            }
            List<PendingRecord> group = pending;
            crowded = group.size() > 1;
            pending = new ArrayList<>(group.size());
            pendingBytes = 0;
            return group;
        } finally {
            lock.unlock();
        }
    }

    void close() {
        lock.lock();
        try {
            closed = true;
            arrived.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
