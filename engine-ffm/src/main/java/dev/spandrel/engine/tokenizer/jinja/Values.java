package dev.spandrel.engine.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What Python does with values: truth, conversion, comparison, iteration. */
final class Values {
    private Values() {}

    static boolean truth(Object value) {
        return switch (value) {
            case null -> false;
            case Undefined _ -> false;
            case Boolean bool -> bool;
            case Long number -> number != 0;
            case Double number -> number != 0;
            case String text -> !text.isEmpty();
            case List<?> list -> !list.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            default -> true;
        };
    }

    /** The type in Python's words. */
    static String type(Object value) {
        return switch (value) {
            case null -> "none";
            case Undefined undefined -> "undefined";
            case Boolean _ -> "boolean";
            case Long _ -> "integer";
            case Double _ -> "float";
            case String _ -> "string";
            case List<?> list -> "list";
            case Map<?, ?> _ -> "mapping";
            case Function function -> "function";
            default -> "namespace";
        };
    }

    static String string(Object value) {
        if (value instanceof String text) {
            return text;
        }
        throw mismatch("a string", value);
    }

    static long integer(Object value) {
        return switch (value) {
            case Long number -> number;
            case Boolean bool -> bool ? 1 : 0;
            case null, default -> throw mismatch("an integer", value);
        };
    }

    static int index(Object value) {
        return Math.clamp(integer(value), Integer.MIN_VALUE / 2, Integer.MAX_VALUE / 2);
    }

    static TemplateException mismatch(String expected, Object found) {
        return found instanceof Undefined undefined
                ? undefined.error()
                : new TemplateException("expected " + expected + ", found " + type(found));
    }

    /** Items of a list, characters of a string, keys of a mapping, nothing of what is undefined. */
    static List<Object> iterate(Object value) {
        return switch (value) {
            case Undefined _ -> List.of();
            case List<?> list -> cast(list);
            case Map<?, ?> map -> new ArrayList<>(map.keySet());
            case String text -> characters(text);
            case null, default -> throw mismatch("something to iterate over", value);
        };
    }

    static List<Object> characters(String text) {
        return new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
    }

    static long length(Object value) {
        return switch (value) {
            case Undefined _ -> 0;
            case List<?> list -> list.size();
            case Map<?, ?> map -> map.size();
            case String text -> Strings.length(text);
            case null, default -> throw mismatch("something with a length", value);
        };
    }

    static boolean equal(Object left, Object right) {
        return equal(left, right, 0);
    }

    private static boolean equal(Object left, Object right, int depth) {
        checkDepth(depth);
        if (isNumber(left) && isNumber(right)) {
            return Operators.compareNumbers(left, right) == 0;
        }
        if (left instanceof Undefined && right instanceof Undefined) {
            return true;
        }
        if (left instanceof List<?> a && right instanceof List<?> b) {
            boolean same = a.size() == b.size() && a instanceof Tuple == b instanceof Tuple;
            for (int i = 0; same && i < a.size(); i++) {
                same = equal(a.get(i), b.get(i), depth + 1);
            }
            return same;
        }
        if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
            return a.size() == b.size()
                    && a.entrySet().stream()
                            .allMatch(e ->
                                    b.containsKey(e.getKey()) && equal(e.getValue(), b.get(e.getKey()), depth + 1));
        }
        return left == null ? right == null : left instanceof String && left.equals(right) || left == right;
    }

    static boolean isNumber(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static boolean contains(Object container, Object item) {
        return switch (container) {
            case String text -> text.contains(string(item));
            case Map<?, ?> map -> map.keySet().stream().anyMatch(key -> equal(key, item));
            case null, default -> iterate(container).stream().anyMatch(each -> equal(each, item));
        };
    }

    /** A value that may be a key: not one whose hash would have to look into it. */
    static Object key(Object value) {
        if (value == null || value instanceof String || isNumber(value)) {
            return value;
        }
        throw mismatch("a string or number as key", value);
    }

    static void checkDepth(int depth) {
        if (depth > Budget.MAX_DEPTH) {
            throw new TemplateException("expected values at most " + Budget.MAX_DEPTH + " deep, found more");
        }
    }

    @SuppressWarnings("unchecked")
    static List<Object> cast(List<?> list) {
        return (List<Object>) list;
    }
}
