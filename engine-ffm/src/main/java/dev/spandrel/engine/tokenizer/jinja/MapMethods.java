package dev.spandrel.engine.tokenizer.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Python's methods of mappings, but for those that change them: the sandbox of transformers has none either. */
final class MapMethods {
    private MapMethods() {}

    /** The method of that name bound to a mapping, or null. */
    static Function find(Map<?, ?> map, String name) {
        return switch (name) {
            case "get" ->
                a -> map.containsKey(Values.key(a.get(0, "key")))
                        ? map.get(a.get(0, "key"))
                        : a.get(1, "default", null);
            case "items" -> a -> items(map);
            case "keys" -> a -> new ArrayList<Object>(map.keySet());
            case "values" -> a -> new ArrayList<Object>(map.values());
            case "copy" -> a -> map;
            default -> null;
        };
    }

    static List<Object> items(Map<?, ?> map) {
        List<Object> items = new ArrayList<>();
        map.forEach((key, value) -> items.add(Tuple.of(key, value)));
        return items;
    }
}
