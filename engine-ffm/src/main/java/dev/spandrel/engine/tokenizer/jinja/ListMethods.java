package dev.spandrel.engine.tokenizer.jinja;

import java.util.List;

/** Python's methods of lists, but for those that change them. */
final class ListMethods {
    private ListMethods() {}

    /** The method of that name bound to a list, or null. */
    static Function find(List<?> list, String name) {
        return switch (name) {
            case "count" ->
                a -> list.stream()
                        .filter(item -> Values.equal(item, a.get(0, "value")))
                        .count();
            case "index" -> a -> index(list, a.get(0, "value"));
            case "copy" -> a -> list;
            default -> null;
        };
    }

    private static Object index(List<?> list, Object wanted) {
        for (int i = 0; i < list.size(); i++) {
            if (Values.equal(list.get(i), wanted)) {
                return (long) i;
            }
        }
        throw new TemplateException("expected a list with that item, found none");
    }
}
