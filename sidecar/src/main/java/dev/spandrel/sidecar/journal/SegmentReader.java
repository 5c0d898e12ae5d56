package dev.spandrel.sidecar.journal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * Reads the records of one segment in order and steps over what is damaged: a damaged body by its length, anything else
 * by looking for the next valid header. Used by one thread.
 */
final class SegmentReader implements Closeable {
    /** Large enough that many small records take one read, small enough to have one for each lane. */
    private static final int WINDOW_BYTES = 64 << 10;

    private final StorageFile file;
    private final long salt;
    private final ByteBuffer window = ByteBuffer.allocate(WINDOW_BYTES).limit(0);
    private long windowStart;
    private long position;
    private long lastSequence;
    private long damages;

    SegmentReader(StorageFile file, Segment segment) {
        this.file = file;
        this.salt = segment.salt();
        this.lastSequence = segment.base() - 1;
    }

    /** Items in the records of a segment after {@code settled}. */
    static long itemsAfter(Storage storage, Segment segment, long settled) throws IOException {
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

    /** The next header below {@code limit}; empty where there is none yet, or none any more. */
    Optional<RecordHeader> next(long limit) throws IOException {
        boolean damaged = false;
        while (position + RecordHeader.BYTES <= limit) {
            int at = window(RecordHeader.BYTES);
            Optional<RecordHeader> header = at < 0 ? Optional.empty() : RecordHeader.read(window, at, salt);
            if (header.isPresent() && fits(header.get(), limit)) {
                damages += damaged ? 1 : 0;
                lastSequence = header.get().sequence();
                return header;
            }
            damaged = true;
            position = nextMagic(position + 1, limit);
        }
        if (damaged || position < limit) {
            damages++;
            position = limit;
        }
        return Optional.empty();
    }

    private boolean fits(RecordHeader header, long limit) {
        return header.sequence() > lastSequence && position + header.recordBytes() <= limit;
    }

    private long nextMagic(long from, long limit) throws IOException {
        for (position = from; position + RecordHeader.BYTES <= limit; position++) {
            int at = window(RecordHeader.BYTES);
            if (at < 0) {
                return limit;
            }
            if (window.getInt(at) == RecordHeader.MAGIC) {
                return position;
            }
        }
        return limit;
    }

    /** The body of the header just read, moving behind it; empty where it is damaged. */
    Optional<byte[]> body(RecordHeader header) throws IOException {
        byte[] body = new byte[header.bodyLength()];
        long start = position + RecordHeader.BYTES;
        if (start >= windowStart && start + body.length <= windowStart + window.limit()) {
            window.get((int) (start - windowStart), body);
        } else {
            file.read(ByteBuffer.wrap(body), start);
        }
        position += header.recordBytes();
        return RecordHeader.checksum(body) == header.bodyChecksum() ? Optional.of(body) : Optional.empty();
    }

    /** Moves behind the record of the header just read without reading its body. */
    void skip(RecordHeader header) {
        position += header.recordBytes();
    }

    /** The index in the window at which the next bytes stand, reading them if need be; negative past the end. */
    private int window(int bytes) throws IOException {
        if (position < windowStart || position + bytes > windowStart + window.limit()) {
            window.clear();
            file.read(window, position);
            window.flip();
            windowStart = position;
        }
        return position + bytes > windowStart + window.limit() ? -1 : (int) (position - windowStart);
    }

    /** Stretches without a valid header stepped over so far. */
    long damages() {
        return damages;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
