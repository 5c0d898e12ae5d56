package dev.spandrel.engine.tokenizer.jinja;

import java.util.List;
import java.util.Map;

/** Attributes, items and slices: {@code a.b}, {@code a['b']}, {@code a[1:]}. */
final class Members {
    private Members() {}

    /** {@code value.name}: a method or, in a mapping, the item. */
    static Object attribute(Object value, String name) {
        Object found = switch (value) {
            case Undefined undefined -> throw undefined.error();
            case Namespace namespace -> namespace.members().getOrDefault(name, new Undefined(name));
            case Map<?, ?> map -> first(MapMethods.find(map, name), map, name);
            case String text -> StringMethods.find(text, name);
            case List<?> list -> ListMethods.find(list, name);
            case null, default -> null;
        };
        boolean none = found == null
                && !(value instanceof Map<?, ?> map && map.containsKey(name))
                && !(value instanceof Namespace);
        return none ? new Undefined(name) : found;
    }

    private static Object first(Function method, Map<?, ?> map, String name) {
        return method != null ? method : map.get(name);
    }

    /** {@code value[key]}. */
    static Object item(Object value, Object key) {
        return switch (value) {
            case Undefined undefined -> throw undefined.error();
            case Map<?, ?> map when map.containsKey(Values.key(key)) -> map.get(key);
            case List<?> list when key instanceof Long -> at(Values.cast(list), Values.index(key));
            case String text when key instanceof Long -> at(Values.characters(text), Values.index(key));
            case null, default -> key instanceof String name ? attribute(value, name) : new Undefined("item " + key);
        };
    }

    private static Object at(List<Object> items, int index) {
        int from = index < 0 ? index + items.size() : index;
        return from >= 0 && from < items.size() ? items.get(from) : new Undefined("item " + index);
    }

    /** {@code value[start:stop:step]}, each part possibly null. */
    static Object slice(Object value, Object start, Object stop, Object step) {
        boolean text = value instanceof String;
        if (!text && !(value instanceof List<?>)) {
            throw Values.mismatch("a string or list to slice", value);
        }
        List<Object> picked = slice(Values.iterate(value), start, stop, step == null ? 1 : Values.index(step));
        if (!text) {
            return value instanceof Tuple ? new Tuple(picked) : picked;
        }
        StringBuilder joined = new StringBuilder();
        picked.forEach(joined::append);
        return joined.toString();
    }

    private static List<Object> slice(List<Object> items, Object start, Object stop, int step) {
        if (step == 0) {
            throw new TemplateException("expected a slice step other than 0");
        }
        int size = items.size();
        int first = bound(start, step > 0 ? 0 : size - 1, size, step);
        int end = bound(stop, step > 0 ? size : -1, size, step);
        List<Object> picked = new java.util.ArrayList<>();
        for (int i = first; step > 0 ? i < end : i > end; i += step) {
            picked.add(items.get(i));
        }
        return picked;
    }

    private static int bound(Object given, int otherwise, int size, int step) {
        if (given == null) {
            return otherwise;
        }
        int index = Values.index(given);
        index += index < 0 ? size : 0;
        return step > 0 ? Math.clamp(index, 0, size) : Math.clamp(index, -1, size - 1);
    }
}
