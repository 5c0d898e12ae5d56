package dev.spandrel.sidecar.journal;

import java.util.ArrayList;
import java.util.List;

/** A quarantine that ends with the process, beside a journal that does the same. */
public final class MemoryQuarantine implements Quarantine {
    private final long limit;
    private final List<Piece> pieces = new ArrayList<>();
    private long bytes;

    public MemoryQuarantine(long limit) {
        this.limit = limit;
    }

    @Override
    public synchronized boolean put(Piece piece) {
        if (bytes + piece.body().length > limit) {
            return false;
        }
        bytes += piece.body().length;
        return pieces.add(piece);
    }

    /** What was put aside so far, oldest first. */
    public synchronized List<Piece> pieces() {
        return List.copyOf(pieces);
    }

    @Override
    public synchronized long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        // nothing to make safe
    }
}
