package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.random.RandomGenerator;

/**
 * A journal in a folder: append, group force, acknowledge. One writer thread owns the open segment; appenders leave a
 * record and a future with it, and every future of a group completes after the one force that covers it. Readers see
 * only what is safe. One lock guards the list of segments and the queue.
 */
public final class DiskJournal implements Journal {
    private static final System.Logger LOG = System.getLogger(DiskJournal.class.getName());
    private static final Duration RETRY_DELAY = Duration.ofSeconds(1);

    /** A group that is this large gains nothing by waiting for more. */
    private static final int FULL_GROUP_BYTES = 1 << 20;

    /** An open segment of which everything is settled is replaced from this size on, to give its space back. */
    private static final long IDLE_ROLL_BYTES = 1 << 20;

    private record Pending(byte[] body, int items, int checksum, long epochMillis, CompletableFuture<Void> done) {
        long recordBytes() {
            return RecordHeader.BYTES + (long) body.length;
        }
    }

    private final Storage storage;
    private final Signal signal;
    private final JournalBudget budget;
    private final JournalSettings settings;
    private final Ticker ticker;
    private final SegmentWriter writer;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition pendingArrived = lock.newCondition();
    private final Condition published = lock.newCondition();
    private final TreeMap<Long, Segment> segments = new TreeMap<>();
    private final List<DiskJournalReader> readers = new ArrayList<>();
    private List<Pending> pending = new ArrayList<>();
    private long pendingBytes;
    private long nextSequence = 1;
    private long damages;
    private Thread thread;
    private boolean closed;
    private volatile boolean writable = true;

    private DiskJournal(
            Storage storage,
            Signal signal,
            JournalBudget budget,
            JournalSettings settings,
            Ticker ticker,
            RandomGenerator random) {
        this.storage = storage;
        this.signal = signal;
        this.budget = budget;
        this.settings = settings;
        this.ticker = ticker;
        this.writer = new SegmentWriter(storage, random);
    }

    /**
     * Opens the journal of a signal and recovers what is in it. Damaged records are stepped over and counted; only a
     * folder that cannot be read fails.
     */
    public static DiskJournal open(
            Storage storage,
            Signal signal,
            JournalBudget budget,
            JournalSettings settings,
            Ticker ticker,
            RandomGenerator random)
            throws IOException {
        DiskJournal journal = new DiskJournal(storage, signal, budget, settings, ticker, random);
        journal.recover();
        return journal;
    }

    private void recover() throws IOException {
        for (String name : storage.names()) {
            Segment.named(name).ifPresent(segment -> segments.put(segment.base(), segment));
        }
        for (Segment segment : segments.values()) {
            scan(segment);
            budget.take(signal, segment.readable());
            // never the base of a segment that exists, even of one that holds nothing: its name would be taken twice
            nextSequence = Math.max(nextSequence, Math.max(segment.base(), segment.lastSequence()) + 1);
        }
        if (damages > 0) {
            LOG.log(
                    Level.WARNING,
                    "{0} damaged stretches in the journal of {1} were stepped over",
                    damages,
                    signal.word());
        }
    }

    private void scan(Segment segment) throws IOException {
        try (SegmentReader reader = new SegmentReader(storage.open(segment.name()), segment)) {
            long size = sizeOf(segment);
            long last = segment.base() - 1;
            long items = 0;
            Optional<RecordHeader> header = reader.next(size);
            while (header.isPresent()) {
                last = header.get().sequence();
                items += header.get().items();
                reader.skip(header.get());
                header = reader.next(size);
            }
            segment.recovered(last, items, size);
            damages += reader.damages();
        }
    }

    private long sizeOf(Segment segment) throws IOException {
        try (StorageFile file = storage.open(segment.name())) {
            return file.size();
        }
    }

    @Override
    public CompletableFuture<Void> append(byte[] body, int items) {
        Pending record =
                new Pending(body, items, RecordHeader.checksum(body), ticker.epochMillis(), new CompletableFuture<>());
        lock.lock();
        try {
            if (closed) {
                return failed("the sidecar is stopping", null);
            }
            if (!budget.tryTake(signal, record.recordBytes())) {
                return failed(
                        "the journal is full: " + bytes() + " bytes of " + signal.word() + " wait for a backend", null);
            }
            if (thread == null) {
                thread = Thread.ofPlatform()
                        .name("journal-" + signal.word())
                        .daemon()
                        .start(this::write);
            }
            pending.add(record);
            pendingBytes += record.recordBytes();
            pendingArrived.signal();
            return record.done();
        } finally {
            lock.unlock();
        }
    }

    private static CompletableFuture<Void> failed(String message, Throwable cause) {
        return CompletableFuture.failedFuture(new JournalException(message, RETRY_DELAY, cause));
    }

    private void write() {
        try {
            List<Pending> group = takeGroup();
            while (!group.isEmpty()) {
                write(group);
                group = takeGroup();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            writer.close();
        }
    }

    /** The next group; empty once closed and written out. */
    private List<Pending> takeGroup() throws InterruptedException {
        lock.lock();
        try {
            while (pending.isEmpty() && !closed) {
                pendingArrived.await();
            }
            long window = settings.sync() == Sync.GROUP ? settings.syncWindow().toNanos() : 0;
            while (window > 0 && pendingBytes < FULL_GROUP_BYTES && !closed) {
                window = pendingArrived.awaitNanos(window);
            }
            List<Pending> group = pending;
            pending = new ArrayList<>();
            pendingBytes = 0;
            return group;
        } finally {
            lock.unlock();
        }
    }

    private void write(List<Pending> group) {
        int done = 0;
        try {
            while (done < group.size()) {
                int until = settings.sync() == Sync.EACH ? done + 1 : group.size();
                done = writeRun(group, done, until);
            }
            writable = true;
        } catch (IOException e) {
            fail(group.subList(done, group.size()), e);
        } catch (RuntimeException e) {
            // A sender waits for each of these; a writer that died here would let it wait for ever.
            fail(group.subList(done, group.size()), new IOException(e));
        }
    }

    /** Writes records into one segment, makes them safe and acknowledges them; returns how far it came. */
    private int writeRun(List<Pending> group, int from, int until) throws IOException {
        Segment segment = openSegment(group.get(from));
        int items = 0;
        int next = from;
        while (next < until && (next == from || writer.size() < settings.segmentBytes())) {
            Pending record = group.get(next);
            RecordHeader header = new RecordHeader(
                    nextSequence++, record.epochMillis(), record.items(), record.body().length, record.checksum());
            writer.append(header, record.body());
            items += record.items();
            next++;
        }
        if (settings.sync() == Sync.NONE) {
            writer.flush();
        } else {
            writer.force();
        }
        publish(segment, items, group.subList(from, next));
        return next;
    }

    private Segment openSegment(Pending first) throws IOException {
        boolean fits = writer.open() && writer.size() + first.recordBytes() <= settings.segmentBytes();
        if (fits && !(writer.size() >= IDLE_ROLL_BYTES && allSettled())) {
            return lastSegment();
        }
        closeSegment();
        Segment next = writer.roll(nextSequence);
        lock.lock();
        try {
            segments.put(next.base(), next);
        } finally {
            lock.unlock();
        }
        return next;
    }

    private boolean allSettled() {
        lock.lock();
        try {
            return !readers.isEmpty() && readers.stream().allMatch(reader -> reader.settled() >= nextSequence - 1);
        } finally {
            lock.unlock();
        }
    }

    private Segment lastSegment() {
        lock.lock();
        try {
            return segments.lastEntry().getValue();
        } finally {
            lock.unlock();
        }
    }

    private void closeSegment() {
        if (writer.open()) {
            Segment open = lastSegment();
            lock.lock();
            try {
                open.close();
            } finally {
                lock.unlock();
            }
            deleteSettled();
        }
    }

    private void publish(Segment segment, int items, List<Pending> records) {
        lock.lock();
        try {
            segment.publish(nextSequence - 1, items, writer.size());
            readers.forEach(reader -> reader.received(items));
            published.signalAll();
        } finally {
            lock.unlock();
        }
        records.forEach(record -> record.done().complete(null));
    }

    private void fail(List<Pending> records, IOException cause) {
        if (writable) {
            LOG.log(
                    Level.ERROR,
                    "the journal of {0} cannot be written, senders are asked to wait: {1}",
                    signal.word(),
                    cause);
        }
        writable = false;
        if (writer.open()) {
            Segment segment = lastSegment();
            writer.abandon(segment.readable());
            lock.lock();
            try {
                segment.close();
            } finally {
                lock.unlock();
            }
        }
        for (Pending record : records) {
            budget.giveBack(signal, record.recordBytes());
            record.done()
                    .completeExceptionally(new JournalException(
                            "the journal cannot be written: " + cause.getMessage(), RETRY_DELAY, cause));
        }
    }

    @Override
    public JournalReader reader(String destination, Ledger ledger) {
        lock.lock();
        try {
            Checkpoint checkpoint = Checkpoint.open(storage, destination);
            nextSequence = Math.max(nextSequence, checkpoint.settled() + 1);
            DiskJournalReader reader = new DiskJournalReader(this, checkpoint, ledger);
            reader.received(unsettledItems(checkpoint.settled()));
            readers.add(reader);
            return reader;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot open the checkpoint of " + destination, e);
        } finally {
            lock.unlock();
        }
    }

    private long unsettledItems(long settled) throws IOException {
        long items = 0;
        for (Segment segment : segments.values()) {
            if (segment.base() > settled) {
                items += segment.items();
            } else if (segment.lastSequence() > settled) {
                items += itemsBehind(segment, settled);
            }
        }
        return items;
    }

    private long itemsBehind(Segment segment, long settled) throws IOException {
        long items = 0;
        try (SegmentReader reader = new SegmentReader(storage.open(segment.name()), segment)) {
            Optional<RecordHeader> header = reader.next(segment.readable());
            while (header.isPresent()) {
                items += header.get().sequence() > settled ? header.get().items() : 0;
                reader.skip(header.get());
                header = reader.next(segment.readable());
            }
        }
        return items;
    }

    /** Deletes closed segments that every reader has settled. */
    void deleteSettled() {
        List<Segment> done = new ArrayList<>();
        lock.lock();
        try {
            long settled =
                    readers.stream().mapToLong(DiskJournalReader::settled).min().orElse(0);
            while (!segments.isEmpty() && deletable(segments.firstEntry().getValue(), settled)) {
                done.add(segments.pollFirstEntry().getValue());
            }
        } finally {
            lock.unlock();
        }
        for (Segment segment : done) {
            try {
                storage.delete(segment.name());
            } catch (IOException e) {
                LOG.log(Level.WARNING, "cannot delete the delivered segment {0}: {1}", segment.name(), e);
            }
            budget.giveBack(signal, segment.readable());
        }
    }

    private static boolean deletable(Segment segment, long settled) {
        return segment.closed() && segment.lastSequence() <= settled;
    }

    /** The segment after the one with this base; 0 asks for the first. */
    Optional<Segment> segmentAfter(long base) {
        lock.lock();
        try {
            return Optional.ofNullable(segments.higherEntry(base)).map(entry -> entry.getValue());
        } finally {
            lock.unlock();
        }
    }

    StorageFile open(Segment segment) throws IOException {
        return storage.open(segment.name());
    }

    /** How far a segment may be read, and whether that is its end; one look under the lock. */
    record Extent(long readable, boolean end) {}

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

    void damaged(long count) {
        lock.lock();
        try {
            damages += count;
        } finally {
            lock.unlock();
        }
    }

    Ticker ticker() {
        return ticker;
    }

    @Override
    public long damages() {
        lock.lock();
        try {
            return damages;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean writable() {
        return writable;
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
    public long items() {
        lock.lock();
        try {
            return readers.stream()
                    .mapToLong(DiskJournalReader::queuedItems)
                    .max()
                    .orElse(0);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public OptionalLong oldestEpochMillis() {
        lock.lock();
        try {
            return readers.stream()
                    .map(DiskJournalReader::oldestEpochMillis)
                    .flatMapToLong(OptionalLong::stream)
                    .min();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long evictedItems() {
        return 0;
    }

    @Override
    public void close() {
        Thread writing;
        lock.lock();
        try {
            closed = true;
            pendingArrived.signalAll();
            published.signalAll();
            writing = thread;
        } finally {
            lock.unlock();
        }
        if (writing != null) {
            try {
                writing.join(TimeUnit.SECONDS.toMillis(10));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
