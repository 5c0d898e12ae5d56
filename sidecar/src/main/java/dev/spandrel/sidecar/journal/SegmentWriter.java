package dev.spandrel.sidecar.journal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;

/**
 * Writes records behind one another into the open segment. After any failure the segment is given up: what a failed
 * force left behind is unknown, so nothing is ever added to it. Used by the journal's writer thread only.
 */
final class SegmentWriter implements Closeable {
    private static final int STAGING_BYTES = 256 << 10;

    private final Storage storage;
    private final RandomGenerator random;
    /** Made with the first segment: a signal that nobody sends costs no memory. */
    private ByteBuffer staging = ByteBuffer.allocate(0);

    private StorageFile file;
    private Segment segment;
    private long written;

    SegmentWriter(Storage storage, RandomGenerator random) {
        this.storage = storage;
        this.random = random;
    }

    /** Opens a new segment whose name is safe before a record can be. */
    Segment roll(long base) throws IOException {
        close();
        Segment next = new Segment(base, random.nextLong());
        StorageFile created = storage.create(next.name());
        try {
            storage.forceNames();
        } catch (IOException e) {
            // Nobody knows this segment yet; to whoever cleans up after the failure it must not look open.
            created.close();
            throw e;
        }
        if (staging.capacity() == 0) {
            staging = ByteBuffer.allocateDirect(STAGING_BYTES);
        }
        file = created;
        segment = next;
        written = 0;
        return next;
    }

    boolean open() {
        return file != null;
    }

    /** Bytes in the segment, with those not yet forced. */
    long size() {
        return written + staging.position();
    }

    void append(RecordHeader header, byte[] body) throws IOException {
        if (staging.remaining() < RecordHeader.BYTES) {
            flush();
        }
        header.write(staging, segment.salt());
        int from = 0;
        while (from < body.length) {
            if (!staging.hasRemaining()) {
                flush();
            }
            int count = Math.min(staging.remaining(), body.length - from);
            staging.put(body, from, count);
            from += count;
        }
    }

    void flush() throws IOException {
        staging.flip();
        int count = staging.remaining();
        file.write(staging, written);
        staging.clear();
        written += count;
    }

    void force() throws IOException {
        flush();
        file.force();
    }

    /** Gives the segment up, cut back to what was safe where the disk allows. */
    void abandon(long safeBytes) {
        staging.clear();
        if (file != null) {
            try {
                file.truncate(safeBytes);
            } catch (IOException e) {
                // left-over bytes were never acknowledged; at worst they are delivered and doubled
            }
        }
        close();
    }

    @Override
    public void close() {
        staging.clear();
        try {
            if (file != null) {
                file.close();
            }
        } catch (IOException e) {
            // everything that counts was forced before
        }
        file = null;
    }
}
