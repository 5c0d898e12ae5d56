package dev.spandrel.engine.tokenizer.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Jinja's tests, {@code value is name}, by name; the value is the first argument. */
final class Predicates {
    private Predicates() {}

    /** The test of a name, or null. */
    static Function find(String name) {
        return switch (name) {
            case "defined" -> a -> !(value(a) instanceof Undefined);
            case "undefined" -> a -> value(a) instanceof Undefined;
            case "none" -> a -> value(a) == null;
            case "true" -> a -> Boolean.TRUE.equals(value(a));
            case "false" -> a -> Boolean.FALSE.equals(value(a));
            case "boolean" -> a -> value(a) instanceof Boolean;
            case "integer" -> a -> value(a) instanceof Long;
            case "float" -> a -> value(a) instanceof Double;
            case "number" -> a -> Values.isNumber(value(a));
            case "string" -> a -> value(a) instanceof String;
            case "mapping" -> a -> value(a) instanceof Map<?, ?>;
            case "sequence", "iterable" -> a -> isIterable(value(a));
            case "callable" -> a -> value(a) instanceof Function;
            default -> comparison(name);
        };
    }

    private static Function comparison(String name) {
        return switch (name) {
            case "odd" -> a -> Math.floorMod(a.integer(0, "value", 0), 2L) == 1;
            case "even" -> a -> Math.floorMod(a.integer(0, "value", 0), 2L) == 0;
            case "divisibleby" -> a -> !Values.truth(Operators.binary("%", value(a), a.get(1, "num"), a.budget()));
            case "eq", "equalto", "==" -> a -> Values.equal(value(a), a.get(1, "other"));
            case "ne", "!=" -> a -> !Values.equal(value(a), a.get(1, "other"));
            case "lt", "lessthan", "<" -> a -> Operators.order(value(a), a.get(1, "other")) < 0;
            case "le", "<=" -> a -> Operators.order(value(a), a.get(1, "other")) <= 0;
            case "gt", "greaterthan", ">" -> a -> Operators.order(value(a), a.get(1, "other")) > 0;
            case "ge", ">=" -> a -> Operators.order(value(a), a.get(1, "other")) >= 0;
            case "in" -> a -> Values.contains(a.get(1, "seq"), value(a));
            case "sameas" ->
                a -> value(a) == a.get(1, "other") || value(a) != null && value(a).equals(a.get(1, "other"));
            case "lower" -> a -> value(a) instanceof String text && isCase(text, text.toLowerCase(Locale.ROOT));
            case "upper" -> a -> value(a) instanceof String text && isCase(text, text.toUpperCase(Locale.ROOT));
            default -> null;
        };
    }

    private static Object value(Function.Arguments arguments) {
        return arguments.get(0, "value");
    }

    private static boolean isIterable(Object value) {
        return value instanceof String
                || value instanceof List<?>
                || value instanceof Map<?, ?>
                || value instanceof Undefined;
    }

    private static boolean isCase(String text, String converted) {
        return text.equals(converted) && text.chars().anyMatch(Character::isLetter);
    }
}
