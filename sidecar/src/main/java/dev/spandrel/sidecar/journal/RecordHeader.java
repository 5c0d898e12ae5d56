package dev.spandrel.sidecar.journal;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * What stands before each body in a segment, 36 bytes, big-endian: magic, body length, sequence, arrival, items,
 * CRC-32C of the body, CRC-32C of these fields and the segment's salt. The header has a checksum of its own so that a
 * damaged body can be stepped over by its length; the salt is random, so that no body, not even one that holds a copy of
 * a journal, can be taken for a record when the reader looks for the next one behind damage.
 */
record RecordHeader(long sequence, long epochMillis, int items, int bodyLength, int bodyChecksum) {
    static final int BYTES = 36;
    static final int MAGIC = 0x53_50_4A_31;

    private static final int CHECKED_BYTES = BYTES - Integer.BYTES;

    void write(ByteBuffer target, long salt) {
        int start = target.position();
        target.putInt(MAGIC)
                .putInt(bodyLength)
                .putLong(sequence)
                .putLong(epochMillis)
                .putInt(items)
                .putInt(bodyChecksum);
        target.putInt(checksum(target, start, salt));
    }

    /** The header at an index of the buffer; empty where there is none or it is damaged. */
    static Optional<RecordHeader> read(ByteBuffer source, int at, long salt) {
        if (source.getInt(at) != MAGIC || source.getInt(at + CHECKED_BYTES) != checksum(source, at, salt)) {
            return Optional.empty();
        }
        RecordHeader header = new RecordHeader(
                source.getLong(at + 8),
                source.getLong(at + 16),
                source.getInt(at + 24),
                source.getInt(at + 4),
                source.getInt(at + 28));
        return header.bodyLength < 0 ? Optional.empty() : Optional.of(header);
    }

    private static int checksum(ByteBuffer buffer, int from, long salt) {
        CRC32C crc = new CRC32C();
        crc.update(ByteBuffer.allocate(Long.BYTES).putLong(salt).flip());
        crc.update(buffer.duplicate().position(from).limit(from + CHECKED_BYTES));
        return (int) crc.getValue();
    }

    static int checksum(byte[] body) {
        CRC32C crc = new CRC32C();
        crc.update(body);
        return (int) crc.getValue();
    }

    /** Bytes of the record in the segment. */
    long recordBytes() {
        return BYTES + (long) bodyLength;
    }
}
