package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.metrics.Ledger;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.time.Ticker;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;

/**
 * A journal in a folder: append, group force, acknowledge. Appenders leave a record and a future in the
 * {@link GroupQueue}; the {@link GroupWriter} owns the open segment, and every future of a group completes after the one
 * force that covers it. Readers see only what is safe.
 */
public final class DiskJournal implements Journal {
    private static final System.Logger LOG = System.getLogger(DiskJournal.class.getName());
    private static final Duration RETRY_DELAY = Duration.ofSeconds(1);

    private final Storage storage;
    private final Signal signal;
    private final JournalBudget budget;
    private final Ticker ticker;
    private final GroupQueue queue;
    private final SegmentList segments;
    private final GroupWriter writer;
    private final List<DiskJournalReader> readers = new CopyOnWriteArrayList<>();
    private final AtomicLong damages = new AtomicLong();

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
        this.ticker = ticker;
        this.segments = new SegmentList(ticker);
        this.queue = new GroupQueue(settings.sync() == Sync.GROUP ? settings.syncWindow() : Duration.ZERO);
        this.writer = new GroupWriter(this, queue, segments, settings, new SegmentWriter(storage, random));
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
        journal.take(Recovery.of(storage, signal, budget));
        return journal;
    }

    private void take(Recovery found) {
        found.segments().forEach(segments::add);
        writer.startAt(found.nextSequence());
        damaged(found.damages());
        if (found.damages() > 0) {
            LOG.log(
                    Level.WARNING,
                    "{0} damaged stretches in the journal of {1} were stepped over",
                    found.damages(),
                    signal.word());
        }
    }

    @Override
    public CompletableFuture<Void> append(byte[] body, int items) {
        PendingRecord record = PendingRecord.of(body, items, ticker.epochMillis());
        if (!budget.tryTake(signal, record.recordBytes())) {
            return failed("the journal is full: " + bytes() + " bytes of " + signal.word() + " wait for a backend");
        }
        writer.start(signal.word());
        if (!queue.offer(record)) {
            budget.giveBack(signal, record.recordBytes());
            return failed("the sidecar is stopping");
        }
        return record.done();
    }

    private static CompletableFuture<Void> failed(String message) {
        return CompletableFuture.failedFuture(new JournalException(message, RETRY_DELAY));
    }

    /** Items are safe: every reader counts them. Called by the writer. */
    void received(int items) {
        readers.forEach(reader -> reader.received(items));
    }

    /** Records are not kept: their bytes are free again, and their senders are told. Called by the writer. */
    void lost(List<PendingRecord> records, IOException cause) {
        JournalException failure =
                new JournalException("the journal cannot be written: " + cause.getMessage(), RETRY_DELAY, cause);
        for (PendingRecord record : records) {
            budget.giveBack(signal, record.recordBytes());
            record.done().completeExceptionally(failure);
        }
    }

    /** Whether every destination has settled every record before {@code nextSequence}. */
    boolean allSettled(long nextSequence) {
        return !readers.isEmpty() && readers.stream().allMatch(reader -> reader.settled() >= nextSequence - 1);
    }

    @Override
    public JournalReader reader(String destination, Ledger ledger) {
        try {
            Checkpoint checkpoint = Checkpoint.open(storage, destination);
            writer.startAt(checkpoint.settled() + 1);
            DiskJournalReader reader = new DiskJournalReader(this, segments, checkpoint, ledger);
            reader.received(segments.itemsAfter(checkpoint.settled(), storage));
            readers.add(reader);
            return reader;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot open the checkpoint of " + destination, e);
        }
    }

    /** Deletes closed segments that every reader has settled. */
    void deleteSettled() {
        long settled =
                readers.stream().mapToLong(DiskJournalReader::settled).min().orElse(0);
        for (Segment segment : segments.removeSettled(settled)) {
            try {
                storage.delete(segment.name());
            } catch (IOException e) {
                LOG.log(Level.WARNING, "cannot delete the delivered segment {0}: {1}", segment.name(), e);
            }
            budget.giveBack(signal, segment.readable());
        }
    }

    StorageFile open(Segment segment) throws IOException {
        return storage.open(segment.name());
    }

    void damaged(long count) {
        damages.addAndGet(count);
    }

    Ticker ticker() {
        return ticker;
    }

    String name() {
        return signal.word();
    }

    @Override
    public long damages() {
        return damages.get();
    }

    @Override
    public boolean writable() {
        return writer.writable();
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
        return capacity() - RecordHeader.BYTES;
    }

    @Override
    public long items() {
        return readers.stream().mapToLong(DiskJournalReader::queuedItems).max().orElse(0);
    }

    @Override
    public OptionalLong oldestEpochMillis() {
        return readers.stream()
                .map(DiskJournalReader::oldestEpochMillis)
                .flatMapToLong(OptionalLong::stream)
                .min();
    }

    @Override
    public long evictedItems() {
        return 0;
    }

    @Override
    public void close() {
        queue.close();
        segments.close();
        writer.join();
    }
}
