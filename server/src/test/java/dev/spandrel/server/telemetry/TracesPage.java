package dev.spandrel.server.telemetry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The table of attributes in docs/traces.md, as tests read it. */
public final class TracesPage {
    private static final Pattern KEY = Pattern.compile("`([^`]+)`");

    private TracesPage() {}

    /** Type by key, in the order of the page. */
    public static Map<String, String> typesOfLlmRequest() throws IOException {
        Map<String, String> types = new LinkedHashMap<>();
        Files.readString(Path.of("../docs/traces.md"))
                .split("## Attributes of `llm_request`")[1]
                .split("\n## ")[0]
                .lines()
                .filter(line -> line.startsWith("| `"))
                .forEach(line -> row(line.split("\\|"), types));
        return types;
    }

    /** Cells of several keys abbreviate all but the first, and have one type or one for each. */
    private static void row(String[] cells, Map<String, String> types) {
        List<String> keys = KEY.matcher(cells[1])
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList();
        String[] type = cells[2].strip().split(", ");
        for (int i = 0; i < keys.size(); i++) {
            types.put(full(keys.get(i), keys.getFirst()), type[Math.min(i, type.length - 1)]);
        }
    }

    /** {@code .b} after {@code x.a} is {@code x.b}. */
    private static String full(String key, String first) {
        if (!key.startsWith(".")) {
            return key;
        }
        String before = first;
        for (int dots = (int) key.chars().filter(c -> c == '.').count(); dots > 0; dots--) {
            before = before.substring(0, before.lastIndexOf('.'));
        }
        return before + key;
    }

    /** What the page calls the type of a value. */
    public static String typeOf(Object value) {
        return switch (value) {
            case Double _ -> "double";
            case Long _ -> "int";
            case Boolean _ -> "boolean";
            case List<?> _ -> "string[]";
            default -> "string";
        };
    }
}
