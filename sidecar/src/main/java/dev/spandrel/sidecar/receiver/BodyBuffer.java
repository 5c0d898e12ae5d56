package dev.spandrel.sidecar.receiver;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Bytes of one body, within a limit of their own and one shared with the other requests. Where the length is known they
 * lie in one array; where it is not, in pieces that are joined at the end.
 */
final class BodyBuffer {
    private static final int PIECE_BYTES = 64 << 10;

    private final int maxBytes;
    private final InFlightBytes.Lease lease;
    private final List<byte[]> full = new ArrayList<>();
    private byte[] piece = {};
    private int at;
    private long total;

    /** Of a length that is not known. */
    BodyBuffer(int maxBytes, InFlightBytes.Lease lease) {
        this.maxBytes = maxBytes;
        this.lease = lease;
    }

    /** Of an announced length, all of which is taken from the lease now; of any length where it is negative. */
    static BodyBuffer of(long length, int maxBytes, InFlightBytes.Lease lease) throws OtlpError {
        if (length > maxBytes) {
            throw OtlpError.tooLarge(maxBytes);
        }
        BodyBuffer buffer = new BodyBuffer(maxBytes, lease);
        if (length > 0) {
            lease.add(length);
            buffer.piece = new byte[(int) length];
        }
        return buffer;
    }

    void put(ByteBuffer bytes) throws OtlpError {
        while (bytes.hasRemaining()) {
            makeRoom();
            int count = Math.min(bytes.remaining(), piece.length - at);
            bytes.get(piece, at, count);
            count(count);
        }
    }

    /** Reads once; false at the end. */
    boolean read(InputStream in) throws OtlpError, IOException {
        makeRoom();
        int count = in.read(piece, at, piece.length - at);
        if (count > 0) {
            count(count);
        }
        return count >= 0;
    }

    private void makeRoom() throws OtlpError {
        if (at == piece.length) {
            lease.add(PIECE_BYTES);
            if (at > 0) {
                full.add(piece);
            }
            piece = new byte[PIECE_BYTES];
            at = 0;
        }
    }

    private void count(int count) throws OtlpError {
        at += count;
        total += count;
        if (total > maxBytes) {
            throw OtlpError.tooLarge(maxBytes);
        }
    }

    /** The bytes as one array, not copied where they lie in one. */
    byte[] toByteArray() throws OtlpError {
        if (full.isEmpty()) {
            return at == piece.length ? piece : Arrays.copyOf(piece, at);
        }
        lease.add(total);
        byte[] joined = new byte[(int) total];
        int to = 0;
        for (byte[] part : full) {
            System.arraycopy(part, 0, joined, to, part.length);
            to += part.length;
        }
        System.arraycopy(piece, 0, joined, to, at);
        return joined;
    }

    /** The bytes as they lie. */
    InputStream stream() {
        List<InputStream> parts = new ArrayList<>();
        full.forEach(part -> parts.add(new ByteArrayInputStream(part)));
        parts.add(new ByteArrayInputStream(piece, 0, at));
        return new SequenceInputStream(Collections.enumeration(parts));
    }
}
