package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.span.SpanView;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The last traces, in memory and bounded in bytes: for a new one the trace that has been quiet longest goes. One trace may
 * take a sixteenth of the room; what it has beyond that is dropped and counted on it. Safe for any thread; filters run
 * outside the lock, so a slow one does not hold up what arrives.
 */
final class TraceStore {
    private static final int SHARE_OF_ONE = 16;

    /** How full the store is. */
    record Fill(int traces, long bytes, long maxBytes, long evicted) {}

    private final long maxBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final LinkedHashMap<String, StoredTrace> traces = new LinkedHashMap<>();
    private final Map<String, Set<String>> linkedFrom = new HashMap<>();
    private long bytes;
    private long evicted;

    TraceStore(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /**
     * Keeps a piece of a trace.
     *
     * @param spans the decoded piece, at least one
     * @return the traces that had to go
     */
    List<String> add(String traceId, byte[] piece, List<SpanView> spans) {
        lock.lock();
        try {
            StoredTrace trace = traces.remove(traceId);
            if (trace == null) {
                trace = new StoredTrace(traceId);
                bytes += trace.bytes();
            }
            traces.putLast(traceId, trace);
            if (trace.bytes() + StoredTrace.cost(piece) > maxBytes / SHARE_OF_ONE) {
                return tooLarge(traceId, trace, spans.size());
            }
            bytes -= trace.bytes();
            trace.add(piece, spans);
            bytes += trace.bytes();
            trace.links()
                    .forEach(target -> linkedFrom
                            .computeIfAbsent(target, _ -> new LinkedHashSet<>())
                            .add(traceId));
            return evict();
        } finally {
            lock.unlock();
        }
    }

    private List<String> tooLarge(String traceId, StoredTrace trace, int spans) {
        trace.drop(spans);
        if (!trace.pieces().isEmpty()) {
            return List.of();
        }
        evicted++;
        return forget(traceId);
    }

    private List<String> evict() {
        List<String> gone = new ArrayList<>();
        while (bytes > maxBytes) {
            gone.addAll(forget(traces.firstEntry().getKey()));
            evicted++;
        }
        return gone;
    }

    private List<String> forget(String traceId) {
        StoredTrace trace = traces.remove(traceId);
        bytes -= trace.bytes();
        for (String target : trace.links()) {
            Set<String> sources = linkedFrom.get(target);
            sources.remove(traceId);
            if (sources.isEmpty()) {
                linkedFrom.remove(target);
            }
        }
        return List.of(traceId);
    }

    Fill fill() {
        lock.lock();
        try {
            return new Fill(traces.size(), bytes, maxBytes, evicted);
        } finally {
            lock.unlock();
        }
    }

    /** The line of a trace that is there and passes. */
    Optional<TraceRow> row(String traceId, TraceFilter filter) {
        TraceRow row;
        List<byte[]> pieces;
        lock.lock();
        try {
            StoredTrace trace = traces.get(traceId);
            if (trace == null) {
                return Optional.empty();
            }
            row = trace.row();
            pieces = trace.pieces();
        } finally {
            lock.unlock();
        }
        return filter.matches(row, pieces) ? Optional.of(row) : Optional.empty();
    }

    /** The newest lines that pass, those that started before a time. */
    List<TraceRow> newest(TraceFilter filter, int limit, double beforeMillis) {
        List<TraceRow> rows = new ArrayList<>();
        for (String id : newestFirst(beforeMillis)) {
            row(id, filter).ifPresent(rows::add);
            if (rows.size() == limit) {
                break;
            }
        }
        return rows;
    }

    private List<String> newestFirst(double beforeMillis) {
        lock.lock();
        try {
            return traces.entrySet().stream()
                    .filter(entry -> entry.getValue().startNanos() / 1e6 < beforeMillis)
                    .sorted(Comparator.comparingLong((Map.Entry<String, StoredTrace> entry) ->
                                    entry.getValue().startNanos())
                            .reversed())
                    .map(Map.Entry::getKey)
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /** The lines of traces with a link to this one, at most {@code limit}, in the order of their arrival. */
    List<TraceRow> linkingTo(String traceId, int limit) {
        lock.lock();
        try {
            return linkedFrom.getOrDefault(traceId, Set.of()).stream()
                    .limit(limit)
                    .map(source -> traces.get(source).row())
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    /** A trace as one encoded {@code ExportTraceServiceRequest}. */
    Optional<byte[]> request(String traceId) {
        List<byte[]> pieces;
        lock.lock();
        try {
            StoredTrace trace = traces.get(traceId);
            if (trace == null) {
                return Optional.empty();
            }
            pieces = trace.pieces();
        } finally {
            lock.unlock();
        }
        ByteArrayOutputStream request = new ByteArrayOutputStream(
                pieces.stream().mapToInt(piece -> piece.length).sum());
        pieces.forEach(piece -> request.write(piece, 0, piece.length));
        return Optional.of(request.toByteArray());
    }
}
