package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.span.SpanView;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * One kept trace: encoded requests that make it when concatenated, what the list says of it, and whither its links point.
 * Guarded by the lock of its {@link TraceStore}.
 */
final class StoredTrace {
    /** What objects around a trace and a piece take, roughly; small pieces are mostly this. */
    private static final int TRACE_OVERHEAD = 2048;

    private static final int PIECE_OVERHEAD = 64;
    private static final int LINK_OVERHEAD = 256;

    private final List<byte[]> pieces = new ArrayList<>();
    private final TraceSummary summary;
    private final Set<String> links = new LinkedHashSet<>();
    private long bytes = TRACE_OVERHEAD;

    StoredTrace(String id) {
        this.summary = new TraceSummary(id);
    }

    static long cost(byte[] piece) {
        return piece.length + (long) PIECE_OVERHEAD;
    }

    void add(byte[] piece, List<SpanView> spans) {
        pieces.add(piece);
        spans.forEach(summary::add);
        int known = links.size();
        spans.forEach(span -> links.addAll(span.links()));
        bytes += cost(piece) + (long) LINK_OVERHEAD * (links.size() - known);
    }

    /** Takes note of spans for which there is no room. */
    void drop(int spans) {
        summary.dropped(spans);
    }

    long bytes() {
        return bytes;
    }

    List<byte[]> pieces() {
        return List.copyOf(pieces);
    }

    /** Traces that its spans point at. */
    Set<String> links() {
        return links;
    }

    long startNanos() {
        return summary.startNanos();
    }

    TraceRow row() {
        return summary.row();
    }
}
