package dev.spandrel.sidecar.transform;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import java.util.Optional;

/** Copies one encoded message with some values replaced; all others, unknown fields too, keep their bytes. */
final class FieldCopy {
    private FieldCopy() {}

    /** Looks at the field a reader stands on. */
    @FunctionalInterface
    interface Replacement {
        /** The new length-delimited value of the field; empty where it stays. */
        Optional<byte[]> of(ProtobufReader field) throws MalformedTelemetryException;
    }

    /** The message {@code buffer[from, to)} with its values replaced; empty where none was. */
    static Optional<byte[]> of(byte[] buffer, int from, int to, Replacement replacement)
            throws MalformedTelemetryException {
        ProtobufReader reader = new ProtobufReader(buffer, from, to);
        ProtobufWriter out = null;
        int copied = from;
        while (reader.next()) {
            Optional<byte[]> value = replacement.of(reader);
            if (value.isPresent()) {
                out = out == null ? new ProtobufWriter() : out;
                out.raw(buffer, copied, reader.fieldStart()).bytes(reader.field(), value.get());
                copied = reader.valueEnd();
            }
        }
        return out == null
                ? Optional.empty()
                : Optional.of(out.raw(buffer, copied, to).toByteArray());
    }
}
