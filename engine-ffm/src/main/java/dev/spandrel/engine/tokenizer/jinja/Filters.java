package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Function.Arguments;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Jinja's filters on single values, by name; the value is the first argument. Those on lists follow behind. */
final class Filters {
    private Filters() {}

    /** The filter of a name, or null. */
    static Function find(String name) {
        return switch (name) {
            case "abs" ->
                a -> a.get(0, "x") instanceof Double d
                        ? (Object) Math.abs(d)
                        : (Object) Math.absExact(a.integer(0, "x", 0));
            case "default", "d" -> Filters::otherwise;
            case "escape", "e" -> a -> escape(text(a));
            case "float" -> a -> number(a.get(0, "value"), a.get(1, "default", 0.0));
            case "format" -> a -> PercentFormat.format(a.string(0, "value"), a.from(1), a.budget());
            case "indent" -> Filters::indent;
            case "int" -> a -> integer(a.get(0, "value"), a.get(1, "default", 0L));
            case "items" -> a -> a.get(0, "value") instanceof Map<?, ?> map ? MapMethods.items(map) : List.of();
            case "round" -> Filters::round;
            case "safe", "string" -> Filters::text;
            case "tojson" -> JsonWriter::write;
            default -> text(name);
        };
    }

    private static Function text(String name) {
        return switch (name) {
            case "capitalize" -> a -> Strings.title(text(a), false);
            case "lower" -> a -> text(a).toLowerCase(Locale.ROOT);
            case "replace" -> a -> StringMethods.replace(text(a), a, 1);
            case "title" -> a -> Strings.title(text(a), true);
            case "trim" ->
                a -> Strings.strip(text(a), a.get(1, "chars", null) == null ? null : a.string(1, "chars"), true, true);
            case "upper" -> a -> text(a).toUpperCase(Locale.ROOT);
            case "wordcount" -> a -> (long) StringMethods.words(text(a)).size();
            default -> ListFilters.find(name);
        };
    }

    private static String text(Arguments arguments) {
        return Text.of(arguments.get(0, "value"), arguments.budget());
    }

    private static Object otherwise(Arguments arguments) {
        Object value = arguments.get(0, "value");
        boolean missing = value instanceof Undefined || arguments.flag(2, "boolean", false) && !Values.truth(value);
        return missing ? arguments.get(1, "default_value", "") : value;
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("'", "&#39;")
                .replace("\"", "&#34;");
    }

    private static Object indent(Arguments arguments) {
        Object width = arguments.get(1, "width", 4L);
        String indentation = width instanceof String text ? text : " ".repeat(Math.clamp(Values.integer(width), 0, 64));
        boolean first = arguments.flag(2, "first", false);
        boolean blank = arguments.flag(3, "blank", false);
        StringBuilder out = new StringBuilder();
        boolean begun = false;
        for (String line : text(arguments).split("\n", -1)) {
            out.append(begun ? "\n" : "");
            boolean indented = begun ? blank || !line.isEmpty() : first;
            out.append(indented ? indentation : "").append(line);
            arguments.budget().charge(out.length() > Budget.MAX_SIZE ? out.length() : line.length());
            begun = true;
        }
        return out.toString();
    }

    private static Object integer(Object value, Object otherwise) {
        try {
            return switch (value) {
                case String text ->
                    text.strip().matches("[+-]?[0-9]+")
                            ? (Object) Long.parseLong(text.strip())
                            : (Object) (long) Double.parseDouble(text.strip());
                case Double number -> (long) (double) number;
                case Long number -> number;
                case Boolean bool -> bool ? 1L : 0L;
                case null, default -> otherwise;
            };
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }

    private static Object number(Object value, Object otherwise) {
        try {
            return value instanceof String text
                    ? (Object) Double.parseDouble(text.strip())
                    : Values.isNumber(value) ? (Object) Operators.number(value) : otherwise;
        } catch (NumberFormatException e) {
            return otherwise;
        }
    }

    private static Object round(Arguments arguments) {
        double scale = Math.pow(10, arguments.integer(1, "precision", 0));
        double value = Operators.number(arguments.get(0, "value")) * scale;
        return switch (Text.of(arguments.get(2, "method", "common"), arguments.budget())) {
            case "ceil" -> Math.ceil(value) / scale;
            case "floor" -> Math.floor(value) / scale;
            default -> Math.rint(value) / scale;
        };
    }
}
