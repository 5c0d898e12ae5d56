package dev.spandrel.sidecar.batch;

import static dev.spandrel.sidecar.otlp.ProtobufReader.LENGTH_DELIMITED;

import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.OtlpShape;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.otlp.Signal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Cuts an encoded request into two at the topmost level that has more than one entry: resources, then the scopes of one
 * resource, then the items of one scope. What surrounds the cut (resource, scope, schema URL, unknown fields) goes into
 * both halves. Profiles are never cut, since their tables belong to all of them.
 */
public final class Splitter {
    /** The two halves of a request; together they hold its items once each, in order. */
    public record Halves(EncodedRequest left, EncodedRequest right) {}

    private static final int[] LEVELS = {OtlpShape.REQUEST_RESOURCES, OtlpShape.RESOURCE_SCOPES, OtlpShape.SCOPE_ITEMS};

    /** A resource larger than its spans would be copied into every piece; beyond this growth cutting makes it worse. */
    private static final double MOST_GROWTH = 1.5;

    private Splitter() {}

    /** The two halves by bytes; empty where the request holds a single item and cannot be cut. */
    public static Optional<Halves> halve(EncodedRequest request) {
        if (!request.signal().mergeable()) {
            return Optional.empty();
        }
        try {
            byte[] body = request.toByteArray();
            Optional<byte[][]> cut = cut(body, 0, body.length, 0);
            return cut.isEmpty() ? Optional.empty() : Optional.of(halves(request.signal(), cut.get()));
        } catch (MalformedTelemetryException e) {
            // The shape was checked at the door and the journal has a checksum; if it is broken all the same it is one
            // piece, which the backend then judges.
            return Optional.empty();
        }
    }

    /** Pieces of at most {@code maxBytes} each, as far as single items allow; the request itself where it fits. */
    public static List<EncodedRequest> split(EncodedRequest request, int maxBytes) {
        List<EncodedRequest> pieces = new ArrayList<>();
        split(request, maxBytes, pieces);
        return pieces;
    }

    private static void split(EncodedRequest request, int maxBytes, List<EncodedRequest> pieces) {
        Optional<Halves> halves = request.size() <= maxBytes ? Optional.empty() : halve(request);
        if (halves.isEmpty() || growth(request, halves.get()) > MOST_GROWTH) {
            pieces.add(request);
        } else {
            split(halves.get().left(), maxBytes, pieces);
            split(halves.get().right(), maxBytes, pieces);
        }
    }

    private static double growth(EncodedRequest whole, Halves halves) {
        return ((double) halves.left().size() + halves.right().size()) / whole.size();
    }

    private static Halves halves(Signal signal, byte[][] cut) throws MalformedTelemetryException {
        return new Halves(EncodedRequest.of(signal, cut[0]), EncodedRequest.of(signal, cut[1]));
    }

    private static Optional<byte[][]> cut(byte[] buffer, int from, int to, int level)
            throws MalformedTelemetryException {
        int repeated = LEVELS[level];
        List<int[]> entries = entries(new ProtobufReader(buffer, from, to), repeated);
        if (entries.size() > 1) {
            int half = halfway(entries);
            return Optional.of(new byte[][] {
                without(buffer, from, to, entries.subList(half, entries.size())),
                without(buffer, from, to, entries.subList(0, half))
            });
        }
        if (entries.isEmpty() || level == LEVELS.length - 1) {
            return Optional.empty();
        }
        int[] only = entries.getFirst();
        Optional<byte[][]> inner = cut(buffer, only[1], only[2], level + 1);
        return inner.map(halves -> new byte[][] {
            with(buffer, from, to, only, repeated, halves[0]), with(buffer, from, to, only, repeated, halves[1])
        });
    }

    /** Tag start, value start and value end of every entry of a repeated message field. */
    private static List<int[]> entries(ProtobufReader reader, int repeated) throws MalformedTelemetryException {
        List<int[]> entries = new ArrayList<>();
        while (reader.next()) {
            if (reader.is(repeated, LENGTH_DELIMITED)) {
                entries.add(new int[] {reader.fieldStart(), reader.valueStart(), reader.valueEnd()});
            }
        }
        return entries;
    }

    private static int halfway(List<int[]> entries) {
        long total = entries.stream().mapToLong(e -> e[2] - e[0]).sum();
        long sum = 0;
        int count = 0;
        while (count < entries.size() - 1 && (count == 0 || sum < total / 2)) {
            sum += entries.get(count)[2] - entries.get(count)[0];
            count++;
        }
        return count;
    }

    private static byte[] without(byte[] buffer, int from, int to, List<int[]> left) {
        ProtobufWriter writer = new ProtobufWriter();
        int at = from;
        for (int[] entry : left) {
            writer.raw(buffer, at, entry[0]);
            at = entry[2];
        }
        return writer.raw(buffer, at, to).toByteArray();
    }

    private static byte[] with(byte[] buffer, int from, int to, int[] entry, int field, byte[] value) {
        return new ProtobufWriter()
                .raw(buffer, from, entry[0])
                .bytes(field, value)
                .raw(buffer, entry[2], to)
                .toByteArray();
    }
}
