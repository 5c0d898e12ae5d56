package dev.spandrel.sidecar.journal;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The one thread that writes a journal: takes a group, writes it into the open segment, forces, publishes. A failure
 * gives the segment up and fails whoever waits; the next group begins a new one, so a disk that comes back is used
 * again.
 */
final class GroupWriter {
    private static final System.Logger LOG = System.getLogger(GroupWriter.class.getName());

    /** An open segment of which everything is settled is replaced from this size on, to give its space back. */
    private static final long IDLE_ROLL_BYTES = 1 << 20;

    private static final long LAST_WAIT_MILLIS = TimeUnit.SECONDS.toMillis(10);

    private final DiskJournal journal;
    private final GroupQueue queue;
    private final SegmentList segments;
    private final JournalSettings settings;
    private final SegmentWriter writer;
    private long nextSequence = 1;
    private Thread thread;
    private volatile boolean writable = true;

    GroupWriter(
            DiskJournal journal,
            GroupQueue queue,
            SegmentList segments,
            JournalSettings settings,
            SegmentWriter writer) {
        this.journal = journal;
        this.queue = queue;
        this.segments = segments;
        this.settings = settings;
        this.writer = writer;
    }

    /** No record gets a smaller sequence; called before {@link #start}. */
    void startAt(long sequence) {
        nextSequence = Math.max(nextSequence, sequence);
    }

    /** Starts the thread with the first record: a signal that nobody sends costs none. */
    synchronized void start(String name) {
        if (thread == null) {
            thread = Thread.ofPlatform().name("journal-" + name).daemon().start(this::work);
        }
    }

    /** Whether the last attempt to write succeeded. */
    boolean writable() {
        return writable;
    }

    private void work() {
        try {
            List<PendingRecord> group = queue.take();
            while (!group.isEmpty()) {
                write(group);
                group = queue.take();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            writer.close();
        }
    }

    private void write(List<PendingRecord> group) {
        int done = 0;
        try {
            while (done < group.size()) {
                int until = settings.sync() == Sync.EACH ? done + 1 : group.size();
                done = writeRun(group, done, until);
            }
        } catch (IOException e) {
            fail(group.subList(done, group.size()), e);
        } catch (RuntimeException | OutOfMemoryError e) {
            // A sender waits for each of these; a writer that died here would let it wait for ever.
            fail(group.subList(done, group.size()), new IOException(e));
        }
    }

    /** Writes records into one segment, makes them safe and acknowledges them; returns how far it came. */
    private int writeRun(List<PendingRecord> group, int from, int until) throws IOException {
        openSegment(group.get(from));
        int items = 0;
        int next = from;
        while (next < until && (next == from || writer.size() < settings.segmentBytes())) {
            PendingRecord record = group.get(next);
            writer.append(record.header(nextSequence++), record.body());
            items += record.items();
            next++;
        }
        if (settings.sync() == Sync.NONE) {
            writer.flush();
        } else {
            writer.force();
        }
        writable = true;
        // counted before it can be read, so that no reader answers for what the books do not know yet
        journal.received(items);
        segments.publish(nextSequence - 1, items, writer.size());
        group.subList(from, next).forEach(record -> record.done().complete(null));
        return next;
    }

    private void openSegment(PendingRecord first) throws IOException {
        boolean fits = writer.open() && writer.size() + first.recordBytes() <= settings.segmentBytes();
        if (fits && !(writer.size() >= IDLE_ROLL_BYTES && journal.allSettled(nextSequence))) {
            return;
        }
        if (writer.open()) {
            segments.closeLast();
            journal.deleteSettled();
        }
        segments.add(roll());
    }

    private Segment roll() throws IOException {
        try {
            return writer.roll(nextSequence);
        } catch (IOException e) {
            // The name may be there all the same: a second segment of this number would hide one of the two at
            // recovery.
            nextSequence++;
            throw e;
        }
    }

    private void fail(List<PendingRecord> records, IOException cause) {
        if (writable) {
            LOG.log(
                    Level.ERROR,
                    "the journal of {0} cannot be written, senders are asked to wait: {1}",
                    journal.name(),
                    cause);
        }
        writable = false;
        if (writer.open()) {
            writer.abandon(segments.last().readable());
            segments.closeLast();
        }
        journal.lost(records, cause);
    }

    /** Waits until what was taken is written; the queue was closed before. */
    void join() {
        Thread writing;
        synchronized (this) {
            writing = thread;
        }
        if (writing != null) {
            try {
                writing.join(LAST_WAIT_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
