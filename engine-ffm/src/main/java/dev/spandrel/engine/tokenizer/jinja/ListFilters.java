package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Function.Arguments;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Jinja's filters on lists and mappings, by name. Filters that give a generator in Python give a list here. */
final class ListFilters {
    private ListFilters() {}

    /** The filter of a name, or null. */
    static Function find(String name) {
        return switch (name) {
            case "count", "length" -> a -> Values.length(a.get(0, "value"));
            case "dictsort" -> ListFilters::dictsort;
            case "first" -> a -> items(a).isEmpty() ? new Undefined("the first of no items") : items(a).getFirst();
            case "join" -> ListFilters::join;
            case "last" -> a -> items(a).isEmpty() ? new Undefined("the last of no items") : items(a).getLast();
            case "list" -> a -> new ArrayList<>(items(a));
            case "map" -> ListFilters::map;
            case "max" -> a -> sorted(a, true).stream().findFirst().orElse(new Undefined("the largest of no items"));
            case "min" -> a -> sorted(a, false).stream().findFirst().orElse(new Undefined("the least of no items"));
            case "reject" -> a -> select(a, false, false);
            case "rejectattr" -> a -> select(a, true, false);
            case "reverse" -> ListFilters::reverse;
            case "select" -> a -> select(a, false, true);
            case "selectattr" -> a -> select(a, true, true);
            case "sort" -> a -> sort(a);
            case "sum" -> ListFilters::sum;
            case "unique" -> ListFilters::unique;
            default -> null;
        };
    }

    private static List<Object> items(Arguments arguments) {
        return Values.iterate(arguments.get(0, "value"));
    }

    private static Object attribute(Object item, Object path) {
        if (path instanceof Long) {
            return Members.item(item, path);
        }
        Object value = item;
        for (String name : Values.string(path).split("\\.")) {
            value = Members.item(value, name.matches("[0-9]{1,9}") ? (Object) Long.parseLong(name) : name);
        }
        return value;
    }

    private static Object map(Arguments arguments) {
        List<Object> mapped = new ArrayList<>();
        Object attribute = arguments.named().get("attribute");
        Object otherwise = arguments.named().get("default");
        for (Object item : items(arguments)) {
            arguments.budget().charge(0);
            Object value = attribute == null ? filtered(arguments, item) : attribute(item, attribute);
            mapped.add(value instanceof Undefined && otherwise != null ? otherwise : value);
        }
        return mapped;
    }

    private static Object filtered(Arguments arguments, Object item) {
        String name = arguments.string(1, "filter");
        Function filter = Filters.find(name);
        if (filter == null) {
            throw new TemplateException("no filter named " + name);
        }
        return filter.call(with(arguments, item, 2));
    }

    private static Arguments with(Arguments arguments, Object first, int rest) {
        List<Object> positional = new ArrayList<>();
        positional.add(first);
        positional.addAll(arguments.from(rest));
        return new Arguments(arguments.budget(), positional, arguments.named());
    }

    private static Object select(Arguments arguments, boolean byAttribute, boolean wanted) {
        int at = byAttribute ? 2 : 1;
        String name = arguments.positional().size() > at ? arguments.string(at, "test") : null;
        Function test = name == null ? a -> Values.truth(a.get(0, "value")) : Predicates.find(name);
        if (test == null) {
            throw new TemplateException("no test named " + name);
        }
        List<Object> selected = new ArrayList<>();
        for (Object item : items(arguments)) {
            arguments.budget().charge(0);
            Object value = byAttribute ? attribute(item, arguments.get(1, "attribute")) : item;
            if (Values.truth(test.call(with(arguments, value, at + 1))) == wanted) {
                selected.add(item);
            }
        }
        return selected;
    }

    private static Object join(Arguments arguments) {
        Object attribute = arguments.get(2, "attribute", null);
        List<Object> items = attribute == null
                ? items(arguments)
                : items(arguments).stream()
                        .map(item -> attribute(item, attribute))
                        .toList();
        return StringMethods.join(Text.of(arguments.get(1, "d", ""), arguments.budget()), items, arguments.budget());
    }

    private static Object reverse(Arguments arguments) {
        Object value = arguments.get(0, "value");
        return Members.slice(value instanceof String ? value : Values.iterate(value), null, null, -1L);
    }

    private static Object sort(Arguments arguments) {
        boolean reverse = arguments.flag(1, "reverse", false);
        return ordered(
                arguments, reverse, arguments.flag(2, "case_sensitive", false), arguments.get(3, "attribute", null));
    }

    private static List<Object> sorted(Arguments arguments, boolean reverse) {
        return ordered(
                arguments, reverse, arguments.flag(1, "case_sensitive", false), arguments.get(2, "attribute", null));
    }

    private static List<Object> ordered(Arguments arguments, boolean reverse, boolean caseSensitive, Object attribute) {
        Comparator<Object> order = Comparator.comparing(
                item -> folded(attribute == null ? item : attribute(item, attribute), caseSensitive), (a, b) -> {
                    arguments.budget().charge(0);
                    return Operators.order(a, b);
                });
        List<Object> sorted = new ArrayList<>(items(arguments));
        sorted.sort(reverse ? order.reversed() : order);
        return sorted;
    }

    private static Object folded(Object value, boolean caseSensitive) {
        return value instanceof String text && !caseSensitive ? text.toLowerCase(Locale.ROOT) : value;
    }

    private static Object dictsort(Arguments arguments) {
        if (!(arguments.get(0, "value") instanceof Map<?, ?> map)) {
            throw Values.mismatch("a mapping", arguments.get(0, "value"));
        }
        boolean caseSensitive = arguments.flag(1, "case_sensitive", false);
        int part = Text.of(arguments.get(2, "by", "key"), arguments.budget()).equals("value") ? 1 : 0;
        Comparator<Object> order =
                Comparator.comparing(item -> folded(((Tuple) item).get(part), caseSensitive), Operators::order);
        List<Object> sorted = MapMethods.items(map);
        sorted.sort(arguments.flag(3, "reverse", false) ? order.reversed() : order);
        return sorted;
    }

    private static Object sum(Arguments arguments) {
        Object attribute = arguments.get(1, "attribute", null);
        Object sum = arguments.get(2, "start", 0L);
        for (Object item : items(arguments)) {
            Object value = attribute == null ? item : attribute(item, attribute);
            sum = Operators.binary("+", sum, value, arguments.budget());
        }
        return sum;
    }

    private static Object unique(Arguments arguments) {
        boolean caseSensitive = arguments.flag(1, "case_sensitive", false);
        Object attribute = arguments.get(2, "attribute", null);
        Map<Object, Object> unique = new java.util.LinkedHashMap<>(HashMap.newHashMap(16));
        for (Object item : items(arguments)) {
            Object value = attribute == null ? item : attribute(item, attribute);
            unique.putIfAbsent(Values.key(folded(value, caseSensitive)), item);
        }
        return new ArrayList<>(unique.values());
    }
}
