package dev.spandrel.sidecar.journal;

import java.util.concurrent.CompletableFuture;

/**
 * A body on its way into a segment, with the future its sender waits for.
 *
 * @param checksum of the body, computed by the appender so that the writer thread does not have to
 */
record PendingRecord(byte[] body, int items, int checksum, long epochMillis, CompletableFuture<Void> done) {
    static PendingRecord of(byte[] body, int items, long epochMillis) {
        return new PendingRecord(body, items, RecordHeader.checksum(body), epochMillis, new CompletableFuture<>());
    }

    /** Bytes of the record in the segment. */
    long recordBytes() {
        return RecordHeader.BYTES + (long) body.length;
    }

    RecordHeader header(long sequence) {
        return new RecordHeader(sequence, epochMillis, items, body.length, checksum);
    }
}
