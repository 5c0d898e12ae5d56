package dev.spandrel.sidecar.span;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** An {@code AnyValue} as text for people (common.proto 1.11). */
final class ValueText {
    /** Values nest in what a stranger sent; deeper than this it is not for reading. */
    private static final int MAX_DEPTH = 16;

    private ValueText() {}

    static String of(ProtobufReader anyValue) throws MalformedTelemetryException {
        return of(anyValue, 0);
    }

    private static String of(ProtobufReader value, int depth) throws MalformedTelemetryException {
        if (depth == MAX_DEPTH) {
            return "…";
        }
        String text = "";
        while (value.next()) {
            text = switch (value.field()) {
                case 1 -> value.string();
                case 2 -> Boolean.toString(value.varint() != 0);
                case 3 -> Long.toString(value.varint());
                case 4 -> Double.toString(Double.longBitsToDouble(value.fixed64()));
                case 5 -> array(value.message(), depth);
                case 6 -> map(value.message(), depth);
                case 7 -> "0x" + HexFormat.of().formatHex(value.buffer(), value.valueStart(), value.valueEnd());
                default -> text;
            };
        }
        return text;
    }

    private static String array(ProtobufReader array, int depth) throws MalformedTelemetryException {
        List<String> texts = new ArrayList<>();
        while (array.next()) {
            if (array.field() == 1) {
                texts.add(of(array.message(), depth + 1));
            }
        }
        return texts.toString();
    }

    private static String map(ProtobufReader map, int depth) throws MalformedTelemetryException {
        List<String> texts = new ArrayList<>();
        while (map.next()) {
            if (map.field() == 1) {
                texts.add(entry(map.message(), depth));
            }
        }
        return "{" + String.join(", ", texts) + "}";
    }

    private static String entry(ProtobufReader entry, int depth) throws MalformedTelemetryException {
        String key = "";
        String value = "";
        while (entry.next()) {
            if (entry.field() == 1) {
                key = entry.string();
            } else if (entry.field() == 2) {
                value = of(entry.message(), depth + 1);
            }
        }
        return key + "=" + value;
    }
}
