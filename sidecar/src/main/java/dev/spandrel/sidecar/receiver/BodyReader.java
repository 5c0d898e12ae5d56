package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.time.Ticker;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;

/**
 * Reads one request body, within limits of size (before and after decompression), of memory shared with the other
 * requests, and of time: a sender that drips bytes is cut off.
 */
final class BodyReader {
    private static final int CHUNK_BYTES = 64 << 10;

    private final int maxBytes;
    private final long deadlineNanos;
    private final Ticker ticker;
    private final InFlightBytes.Lease lease;

    BodyReader(int maxBytes, Duration maxTime, Ticker ticker, InFlightBytes.Lease lease) {
        this.maxBytes = maxBytes;
        this.deadlineNanos = ticker.nanoTime() + maxTime.toNanos();
        this.ticker = ticker;
        this.lease = lease;
    }

    /**
     * The body.
     *
     * @param length as announced; negative where it was not
     */
    byte[] read(InputStream in, long length) throws OtlpError, IOException {
        if (length > maxBytes) {
            throw OtlpError.tooLarge(maxBytes);
        }
        return length >= 0 ? readAnnounced(in, (int) length) : readGrowing(in);
    }

    /** The decompressed body; bytes that are no gzip are malformed. */
    byte[] readGzip(InputStream in, long length) throws OtlpError, IOException {
        if (length > maxBytes) {
            throw OtlpError.tooLarge(maxBytes);
        }
        return readGrowing(new GZIPInputStream(in, CHUNK_BYTES / 4));
    }

    /** The decompressed body; bytes that are no zstd are malformed. */
    byte[] readZstd(InputStream in, long length) throws OtlpError, IOException {
        if (length > maxBytes) {
            throw OtlpError.tooLarge(maxBytes);
        }
        try (InputStream plain = Zstd.stream(in)) {
            return readGrowing(plain);
        }
    }

    private byte[] readAnnounced(InputStream in, int length) throws OtlpError, IOException {
        lease.add(length);
        byte[] body = new byte[length];
        int at = 0;
        while (at < length) {
            int count = in.read(body, at, length - at);
            if (count < 0) {
                throw new OtlpError(
                        OtlpError.Kind.MALFORMED, "the body ends after " + at + " of " + length + " announced bytes");
            }
            at += count;
            checkTime();
        }
        return body;
    }

    private byte[] readGrowing(InputStream in) throws OtlpError, IOException {
        List<byte[]> full = new ArrayList<>();
        byte[] chunk = newChunk();
        int at = 0;
        long total = 0;
        for (int count = in.read(chunk); count >= 0; count = in.read(chunk, at, chunk.length - at)) {
            at += count;
            total += count;
            if (total > maxBytes) {
                throw OtlpError.tooLarge(maxBytes);
            }
            if (at == chunk.length) {
                full.add(chunk);
                chunk = newChunk();
                at = 0;
            }
            checkTime();
        }
        full.add(Arrays.copyOf(chunk, at));
        return join(full, (int) total);
    }

    private byte[] newChunk() throws OtlpError {
        lease.add(CHUNK_BYTES);
        return new byte[CHUNK_BYTES];
    }

    private byte[] join(List<byte[]> chunks, int total) throws OtlpError {
        if (chunks.size() == 1) {
            return chunks.getFirst();
        }
        lease.add(total);
        byte[] body = new byte[total];
        int at = 0;
        for (byte[] chunk : chunks) {
            System.arraycopy(chunk, 0, body, at, chunk.length);
            at += chunk.length;
        }
        return body;
    }

    private void checkTime() throws OtlpError {
        if (ticker.nanoTime() - deadlineNanos > 0) {
            throw OtlpError.unavailable("the request took too long to arrive", Duration.ofSeconds(1));
        }
    }
}
