package dev.spandrel.sidecar.otlp;

import java.util.List;

/**
 * An export request still in its encoded form, as parts that make one valid request when written one after another:
 * parsing the concatenation of two encoded messages of one type equals parsing both and merging (protobuf encoding
 * guide, "last one wins"). The parts are shared, never changed.
 *
 * @param items spans, data points, log records or profiles in all parts
 */
public record EncodedRequest(Signal signal, List<byte[]> parts, int items) {
    public EncodedRequest {
        parts = List.copyOf(parts);
    }

    /** A request of one part whose items are counted here. */
    public static EncodedRequest of(Signal signal, byte[] body) throws MalformedTelemetryException {
        return new EncodedRequest(signal, List.of(body), OtlpShape.countItems(signal, body));
    }

    /** Bytes of all parts together. */
    public int size() {
        return Math.toIntExact(parts.stream().mapToLong(part -> part.length).sum());
    }

    /** All parts in one array; the part itself where there is only one. */
    public byte[] toByteArray() {
        if (parts.size() == 1) {
            return parts.getFirst();
        }
        byte[] whole = new byte[size()];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, whole, at, part.length);
            at += part.length;
        }
        return whole;
    }
}
