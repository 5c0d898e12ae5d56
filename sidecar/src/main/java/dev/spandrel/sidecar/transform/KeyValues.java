package dev.spandrel.sidecar.transform;

import dev.spandrel.sidecar.otlp.ProtobufWriter;
import java.nio.charset.StandardCharsets;

/** Encoded {@code KeyValue} and {@code AnyValue} messages that hold a text. */
final class KeyValues {
    private static final int KEY = 1;
    private static final int VALUE = 2;
    private static final int STRING_VALUE = 1;

    private KeyValues() {}

    static byte[] text(String key, String value) {
        return new ProtobufWriter().string(KEY, key).bytes(VALUE, text(value)).toByteArray();
    }

    /** An {@code AnyValue}; the empty text stays a text, which an unset value is not. */
    static byte[] text(String value) {
        return new ProtobufWriter()
                .bytes(STRING_VALUE, value.getBytes(StandardCharsets.UTF_8))
                .toByteArray();
    }
}
