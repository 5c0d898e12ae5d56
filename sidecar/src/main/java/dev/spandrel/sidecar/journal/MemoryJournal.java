package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A journal in memory: it survives a lost backend, not the end of the process. Used where no folder is wanted and for
 * signals that have no destination. One lock guards all of it.
 */
public final class MemoryJournal implements Journal {
    /** What a record costs beside its body: the record, its map entry, the array header. */
    private static final int OVERHEAD = 96;

    private static final Duration RETRY_DELAY = Duration.ofSeconds(1);

    private final Signal signal;
    private final JournalBudget budget;
    private final Overflow overflow;
    private final Ticker ticker;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final TreeMap<Long, JournalRecord> records = new TreeMap<>();
    private final List<Reader> readers = new ArrayList<>();
    private long lastSequence;
    private long items;
    private long appendedBytes;
    private long evicted;
    private boolean closed;

    public MemoryJournal(Signal signal, JournalBudget budget, Overflow overflow, Ticker ticker) {
        this.signal = signal;
        this.budget = budget;
        this.overflow = overflow;
        this.ticker = ticker;
    }

    @Override
    public CompletableFuture<Void> append(byte[] body, int bodyItems) {
        lock.lock();
        try {
            if (closed) {
                return CompletableFuture.failedFuture(new JournalException("the sidecar is stopping", RETRY_DELAY));
            }
            if (!makeRoom(OVERHEAD + body.length)) {
                return CompletableFuture.failedFuture(new JournalException(
                        "the journal is full: " + bytes() + " bytes of " + signal.word() + " wait for a backend",
                        RETRY_DELAY));
            }
            JournalRecord added = new JournalRecord(++lastSequence, ticker.epochMillis(), bodyItems, body);
            records.put(added.sequence(), added);
            items += bodyItems;
            appendedBytes += body.length;
            readers.forEach(reader -> reader.ledger.received(bodyItems));
            arrived.signalAll();
            return CompletableFuture.completedFuture(null);
        } finally {
            lock.unlock();
        }
    }

    private boolean makeRoom(long bytes) {
        if (!budget.fitsAlone(signal, bytes)) {
            // Nothing is given up for what would find no room all the same.
            return false;
        }
        while (!budget.tryTake(signal, bytes)) {
            if (overflow == Overflow.REFUSE || records.isEmpty()) {
                return false;
            }
            evicted += records.firstEntry().getValue().items();
            remove(records.firstEntry());
        }
        return true;
    }

    private void remove(Map.Entry<Long, JournalRecord> entry) {
        records.remove(entry.getKey());
        items -= entry.getValue().items();
        budget.giveBack(signal, OVERHEAD + entry.getValue().body().length);
    }

    @Override
    public JournalReader reader(String destination, Ledger ledger) {
        lock.lock();
        try {
            Reader reader = new Reader(ledger);
            ledger.received(items);
            readers.add(reader);
            return reader;
        } finally {
            lock.unlock();
        }
    }

    private void removeSettled() {
        long settledByAll =
                readers.stream().mapToLong(r -> r.watermark.settled()).min().orElse(0);
        while (!records.isEmpty() && records.firstKey() <= settledByAll) {
            remove(records.firstEntry());
        }
    }

    @Override
    public long bytes() {
        return budget.used(signal);
    }

    @Override
    public long capacity() {
        return budget.mostOfOne();
    }

    @Override
    public long largestBody() {
        return capacity() - OVERHEAD;
    }

    @Override
    public long items() {
        lock.lock();
        try {
            return items;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public OptionalLong oldestEpochMillis() {
        lock.lock();
        try {
            return records.isEmpty()
                    ? OptionalLong.empty()
                    : OptionalLong.of(records.firstEntry().getValue().epochMillis());
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public long damages() {
        return 0;
    }

    @Override
    public long evictedItems() {
        lock.lock();
        try {
            return evicted;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            arrived.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private final class Reader implements JournalReader {
        private final Ledger ledger;
        private final Watermark watermark = new Watermark(lastSequence - records.size());
        private long read = lastSequence - records.size();

        Reader(Ledger ledger) {
            this.ledger = ledger;
        }

        @Override
        public Optional<JournalRecord> next(long timeoutNanos) throws InterruptedException {
            lock.lockInterruptibly();
            try {
                long deadline = ticker.nanoTime() + timeoutNanos;
                Map.Entry<Long, JournalRecord> entry = records.higherEntry(read);
                while (entry == null) {
                    long left = deadline - ticker.nanoTime();
                    if (left <= 0 || closed) {
                        return Optional.empty();
                    }
                    ticker.await(arrived, left);
                    entry = records.higherEntry(read);
                }
                read = entry.getKey();
                return Optional.of(entry.getValue());
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean awaitBytes(long bytes, long timeoutNanos) throws InterruptedException {
            lock.lockInterruptibly();
            try {
                long deadline = ticker.nanoTime() + timeoutNanos;
                long target = appendedBytes + bytes;
                long left = timeoutNanos;
                while (appendedBytes < target && left > 0 && !closed) {
                    ticker.await(arrived, left);
                    left = deadline - ticker.nanoTime();
                }
                return appendedBytes >= target;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void settle(long first, long last, long settledItems) {
            lock.lock();
            try {
                watermark.settle(first, last);
                removeSettled();
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void close() {
            // the place is lost with the records
        }
    }
}
