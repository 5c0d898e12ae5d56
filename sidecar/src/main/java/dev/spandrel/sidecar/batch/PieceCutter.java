package dev.spandrel.sidecar.batch;

import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Plans how a large request falls into pieces, by places only, and makes each piece when it is asked for. A piece is a
 * run of adjoining entries of one message, wrapped in what surrounds that message on every level above.
 */
final class PieceCutter {
    /**
     * One message on the way down: its bytes and the entries of its repeated field.
     *
     * @param entries tag start, value start and value end of each
     */
    private record Enclosing(int from, int to, List<int[]> entries) {}

    /** A run of entries in the innermost of the enclosing messages. */
    private record Plan(List<Enclosing> enclosing, List<int[]> entries) {}

    private final byte[] buffer;
    private final int maxBytes;
    private final List<Plan> plans = new ArrayList<>();

    private PieceCutter(byte[] buffer, int maxBytes) {
        this.buffer = buffer;
        this.maxBytes = maxBytes;
    }

    static Iterator<EncodedRequest> cut(EncodedRequest request, int maxBytes) throws MalformedTelemetryException {
        PieceCutter cutter = new PieceCutter(request.toByteArray(), maxBytes);
        cutter.plan(List.of(), 0, cutter.buffer.length, 0);
        Iterator<Plan> plans = cutter.plans.iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return plans.hasNext();
            }

            @Override
            public EncodedRequest next() {
                return cutter.piece(request, plans.next());
            }
        };
    }

    private void plan(List<Enclosing> above, int from, int to, int surroundingsAbove)
            throws MalformedTelemetryException {
        int level = above.size();
        List<int[]> entries = Splitter.entries(new ProtobufReader(buffer, from, to), Splitter.LEVELS[level]);
        int surroundings = surroundingsAbove + to - from - size(entries);
        List<Enclosing> enclosing = new ArrayList<>(above);
        enclosing.add(new Enclosing(from, to, entries));
        List<int[]> run = new ArrayList<>();
        int bytes = surroundings;
        for (int[] entry : entries) {
            bytes += entry[2] - entry[0];
            if (!run.isEmpty() && bytes > maxBytes) {
                plans.add(new Plan(enclosing, run));
                run = new ArrayList<>();
                bytes = surroundings + entry[2] - entry[0];
            }
            if (divisible(entry, level, surroundings)) {
                plan(enclosing, entry[1], entry[2], surroundings);
            } else {
                run.add(entry);
            }
        }
        if (!run.isEmpty()) {
            plans.add(new Plan(enclosing, run));
        }
    }

    /** Whether cutting an entry makes it smaller: what surrounds its parts is copied into each of them. */
    private boolean divisible(int[] entry, int level, int surroundings) throws MalformedTelemetryException {
        if (level == Splitter.LEVELS.length - 1 || surroundings + entry[2] - entry[0] <= maxBytes) {
            return false;
        }
        List<int[]> inner =
                Splitter.entries(new ProtobufReader(buffer, entry[1], entry[2]), Splitter.LEVELS[level + 1]);
        return surroundings + entry[2] - entry[0] - size(inner) <= maxBytes / 2;
    }

    private static int size(List<int[]> entries) {
        return entries.stream().mapToInt(entry -> entry[2] - entry[0]).sum();
    }

    private EncodedRequest piece(EncodedRequest request, Plan plan) {
        Enclosing innermost = plan.enclosing().getLast();
        ProtobufWriter writer = surroundings(innermost);
        plan.entries().forEach(entry -> writer.raw(buffer, entry[0], entry[2]));
        byte[] piece = writer.toByteArray();
        for (int level = plan.enclosing().size() - 2; level >= 0; level--) {
            piece = surroundings(plan.enclosing().get(level))
                    .bytes(Splitter.LEVELS[level], piece)
                    .toByteArray();
        }
        try {
            return EncodedRequest.of(request.signal(), piece);
        } catch (MalformedTelemetryException e) {
            throw new IllegalStateException("a piece of a well-formed request is malformed", e);
        }
    }

    private ProtobufWriter surroundings(Enclosing message) {
        byte[] rest = Splitter.without(buffer, message.from(), message.to(), message.entries());
        return new ProtobufWriter().raw(rest, 0, rest.length);
    }
}
