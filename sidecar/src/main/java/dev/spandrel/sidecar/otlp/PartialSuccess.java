package dev.spandrel.sidecar.otlp;

/**
 * What a backend says in {@code Export…Response.partial_success}: how many items it rejected, and why. Zero with an
 * empty message means all was taken; zero with a message is a warning. Every signal numbers the two fields alike.
 */
public record PartialSuccess(long rejectedItems, String message) {
    public static final PartialSuccess NONE = new PartialSuccess(0, "");

    /** Reads an encoded export response. An empty one means success. */
    public static PartialSuccess fromProtobuf(byte[] response) throws MalformedTelemetryException {
        ProtobufReader reader = new ProtobufReader(response);
        PartialSuccess found = NONE;
        while (reader.next()) {
            if (reader.field() == 1) {
                found = read(reader.message());
            }
        }
        return found;
    }

    private static PartialSuccess read(ProtobufReader partial) throws MalformedTelemetryException {
        long rejected = 0;
        String message = "";
        while (partial.next()) {
            if (partial.field() == 1) {
                rejected = partial.varint();
            } else if (partial.field() == 2) {
                message = partial.string();
            }
        }
        return new PartialSuccess(Math.max(0, rejected), message);
    }
}
