package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.time.Ticker;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.zip.GZIPInputStream;

/**
 * Reads one request body to its end, within limits of size after decompression, of memory shared with the other requests,
 * and of time.
 */
final class BodyReader {
    private static final int GZIP_BYTES = 16 << 10;

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

    /** What a stream holds. */
    byte[] read(InputStream in) throws OtlpError, IOException {
        BodyBuffer body = new BodyBuffer(maxBytes, lease);
        while (body.read(in)) {
            checkTime();
        }
        return body.toByteArray();
    }

    /** The decompressed body; bytes that are no gzip are malformed. */
    byte[] readGzip(InputStream in) throws OtlpError, IOException {
        return read(new GZIPInputStream(in, GZIP_BYTES));
    }

    /** The decompressed body; bytes that are no zstd are malformed. */
    byte[] readZstd(InputStream in) throws OtlpError, IOException {
        try (InputStream plain = Zstd.stream(in)) {
            return read(plain);
        }
    }

    private void checkTime() throws OtlpError {
        if (ticker.nanoTime() - deadlineNanos > 0) {
            throw OtlpError.tooSlow();
        }
    }
}
