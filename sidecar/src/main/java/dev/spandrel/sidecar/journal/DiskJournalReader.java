package dev.spandrel.sidecar.journal;

import dev.spandrel.sidecar.metrics.Ledger;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * A destination's place in a {@link DiskJournal}. Records may be missing between two others, so the reader remembers what
 * it read before each unsettled record, and settling a record settles the gap in front of it.
 */
final class DiskJournalReader implements JournalReader {
    private static final System.Logger LOG = System.getLogger(DiskJournalReader.class.getName());
    private static final long FORCE_EVERY_NANOS = TimeUnit.SECONDS.toNanos(1);

    private record Read(long previous, long epochMillis) {}

    private final DiskJournal journal;
    private final SegmentList segments;
    private final Checkpoint checkpoint;
    private final Ledger ledger;
    private final Watermark watermark;
    private final TreeMap<Long, Read> unsettled = new TreeMap<>();
    private SegmentReader reader;
    private Segment segment;
    private long read;
    private long lastReturned;
    private long queued;
    private long lastSettledMillis;
    private long lastForceNanos;

    DiskJournalReader(DiskJournal journal, SegmentList segments, Checkpoint checkpoint, Ledger ledger) {
        this.journal = journal;
        this.segments = segments;
        this.checkpoint = checkpoint;
        this.ledger = ledger;
        this.watermark = new Watermark(checkpoint.settled());
        this.read = checkpoint.settled();
        this.lastReturned = read;
        this.lastForceNanos = journal.ticker().nanoTime();
    }

    /** Items were published, or found at start. */
    synchronized void received(long items) {
        queued += items;
        ledger.received(items);
    }

    @Override
    public Optional<JournalRecord> next(long timeoutNanos) throws InterruptedException {
        long deadline = journal.ticker().nanoTime() + timeoutNanos;
        while (true) {
            Optional<JournalRecord> record = readNext();
            if (record.isPresent()) {
                return record;
            }
            long left = deadline - journal.ticker().nanoTime();
            if (!segments.awaitAfter(read, Math.max(0, left))) {
                return Optional.empty();
            }
        }
    }

    @Override
    public boolean awaitBytes(long bytes, long timeoutNanos) throws InterruptedException {
        return segments.awaitBytes(bytes, timeoutNanos);
    }

    private Optional<JournalRecord> readNext() {
        try {
            while (reader != null || openNext()) {
                Optional<JournalRecord> record = readInSegment();
                if (record.isPresent() || reader != null) {
                    return record;
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the journal", e);
        }
    }

    private boolean openNext() throws IOException {
        Optional<Segment> next = segments.after(segment == null ? 0 : segment.base());
        if (next.isEmpty()) {
            return false;
        }
        segment = next.get();
        reader = new SegmentReader(journal.open(segment), segment);
        return true;
    }

    /** The next unsettled record of the open segment; closes it at its end. */
    private Optional<JournalRecord> readInSegment() throws IOException {
        SegmentList.Extent extent = segments.extent(segment);
        long damagesBefore = reader.damages();
        Optional<JournalRecord> found = Optional.empty();
        Optional<RecordHeader> header = reader.next(extent.readable());
        while (header.isPresent() && found.isEmpty()) {
            found = take(header.get());
            header = found.isPresent() ? header : reader.next(extent.readable());
        }
        if (!segment.recovered()) {
            journal.damaged(reader.damages() - damagesBefore);
        }
        if (found.isEmpty()) {
            // numbers may be missing in front of a segment and at its end; they are not worth waiting for
            read = Math.max(read, extent.end() ? segment.lastSequence() : segment.base() - 1);
        }
        if (found.isEmpty() && extent.end()) {
            reader.close();
            reader = null;
        }
        return found;
    }

    private Optional<JournalRecord> take(RecordHeader header) throws IOException {
        if (header.sequence() <= read) {
            reader.skip(header);
            return Optional.empty();
        }
        Optional<byte[]> body = reader.body(header);
        if (body.isEmpty()) {
            journal.damaged(1);
            lost(header);
            return Optional.empty();
        }
        note(header);
        return Optional.of(new JournalRecord(header.sequence(), header.epochMillis(), header.items(), body.get()));
    }

    private synchronized void note(RecordHeader header) {
        unsettled.put(header.sequence(), new Read(lastReturned, header.epochMillis()));
        lastReturned = header.sequence();
        read = header.sequence();
    }

    private synchronized void lost(RecordHeader header) {
        LOG.log(Level.ERROR, "a record of {0} items is damaged on disk and cannot be delivered", header.items());
        read = header.sequence();
        queued -= header.items();
        ledger.damaged(header.items());
    }

    @Override
    public void settle(long first, long last, long items) {
        synchronized (this) {
            Map<Long, Read> settledNow = unsettled.subMap(first, true, last, true);
            lastSettledMillis = unsettled.get(last).epochMillis();
            watermark.settle(unsettled.get(first).previous() + 1, last);
            settledNow.clear();
            queued -= items;
            writeCheckpoint();
        }
        journal.deleteSettled();
    }

    private void writeCheckpoint() {
        if (watermark.settled() <= checkpoint.settled()) {
            return;
        }
        try {
            checkpoint.write(watermark.settled());
            long now = journal.ticker().nanoTime();
            if (now - lastForceNanos > FORCE_EVERY_NANOS) {
                checkpoint.force();
                lastForceNanos = now;
            }
        } catch (IOException e) {
            // it only costs duplicates after a restart
            LOG.log(Level.WARNING, "cannot write a checkpoint: {0}", e.toString());
        }
    }

    synchronized long settled() {
        return watermark.settled();
    }

    synchronized long queuedItems() {
        return queued;
    }

    /** When the oldest unsettled record arrived, as far as it was read. */
    synchronized OptionalLong oldestEpochMillis() {
        if (!unsettled.isEmpty()) {
            return OptionalLong.of(unsettled.firstEntry().getValue().epochMillis());
        }
        return queued > 0 && lastSettledMillis > 0 ? OptionalLong.of(lastSettledMillis) : OptionalLong.empty();
    }

    @Override
    public synchronized void close() {
        try {
            checkpoint.force();
            checkpoint.close();
            if (reader != null) {
                reader.close();
            }
        } catch (IOException e) {
            LOG.log(Level.WARNING, "cannot close a checkpoint: {0}", e.toString());
        }
    }
}
