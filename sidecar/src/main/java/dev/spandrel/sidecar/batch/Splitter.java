package dev.spandrel.sidecar.batch;

import static dev.spandrel.sidecar.otlp.ProtobufReader.LENGTH_DELIMITED;

import dev.spandrel.sidecar.otlp.EncodedRequest;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.OtlpShape;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.otlp.Signal;
import java.util.ArrayList;
import java.util.Iterator;
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

    static final int[] LEVELS = {OtlpShape.REQUEST_RESOURCES, OtlpShape.RESOURCE_SCOPES, OtlpShape.SCOPE_ITEMS};

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

    /**
     * Pieces of at most {@code maxBytes} each, as far as single items allow; the request itself where it fits. Each piece
     * is made when it is asked for, so that a large request is not held twice.
     */
    public static Iterator<EncodedRequest> pieces(EncodedRequest request, int maxBytes) {
        if (request.size() <= maxBytes || !request.signal().mergeable()) {
            return List.of(request).iterator();
        }
        try {
            return PieceCutter.cut(request, maxBytes);
        } catch (MalformedTelemetryException e) {
            return List.of(request).iterator();
        }
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
    static List<int[]> entries(ProtobufReader reader, int repeated) throws MalformedTelemetryException {
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

    static byte[] without(byte[] buffer, int from, int to, List<int[]> left) {
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
