package dev.spandrel.engine.grammar;

import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/** The {@code format}s of strings that can be written, as patterns for the whole text; each a part of what its RFC allows. */
final class StringFormats {
    private static final String DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])";
    private static final String TIME =
            "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";
    private static final String LABEL = "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?";
    private static final String BYTE = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    private static final String HOST = LABEL + "(\\." + LABEL + "){1,4}";

    private static final Map<String, String> PATTERNS = Map.of(
            "date",
            DATE,
            "time",
            TIME,
            "date-time",
            DATE + "T" + TIME,
            "duration",
            "P([0-9]{1,4}D(T[0-9]{1,4}[HMS])?|T[0-9]{1,4}[HMS]|[0-9]{1,4}[WMY])",
            "email",
            "[A-Za-z0-9_+-]{1,20}(\\.[A-Za-z0-9_+-]{1,20}){0,2}@" + HOST,
            "hostname",
            HOST,
            "ipv4",
            "(" + BYTE + "\\.){3}" + BYTE,
            "uri",
            "https?://" + HOST + "(/[A-Za-z0-9._~-]{0,32}){0,8}",
            "uuid",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");

    private StringFormats() {}

    static Optional<String> pattern(String format) {
        return Optional.ofNullable(PATTERNS.get(format));
    }

    static TreeSet<String> names() {
        return new TreeSet<>(PATTERNS.keySet());
    }
}
