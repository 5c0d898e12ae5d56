package dev.spandrel.engine.tokenizer.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The {@code tojson} filter as transformers has it: Python's {@code json.dumps} without escaping HTML or, by default, Unicode. */
final class JsonWriter {
    private final Budget budget;
    private final StringBuilder out = new StringBuilder();
    private final String indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean ascii;
    private final boolean sorted;

    private JsonWriter(Function.Arguments arguments) {
        budget = arguments.budget();
        ascii = arguments.flag(1, "ensure_ascii", false);
        Object indentation = arguments.get(2, "indent", null);
        indent = indentation == null
                ? null
                : indentation instanceof String text
                        ? text
                        : " ".repeat(Math.clamp(Values.integer(indentation), 0, 32));
        Object separators = arguments.get(3, "separators", null);
        itemSeparator = separators == null
                ? indent == null ? ", " : ","
                : Values.string(Values.iterate(separators).getFirst());
        keySeparator = separators == null
                ? ": "
                : Values.string(Values.iterate(separators).getLast());
        sorted = arguments.flag(4, "sort_keys", false);
    }

    static String write(Function.Arguments arguments) {
        JsonWriter writer = new JsonWriter(arguments);
        writer.value(arguments.get(0, "value"), 0);
        return writer.out.toString();
    }

    private void value(Object value, int depth) {
        Values.checkDepth(depth);
        budget.charge(out.length() > Budget.MAX_SIZE ? out.length() : 0);
        switch (value) {
            case null -> out.append("null");
            case Boolean bool -> out.append(bool);
            case Long number -> out.append(number);
            case Double number -> out.append(Text.number(number));
            case String text -> string(text);
            case List<?> list -> container('[', ']', new ArrayList<>(list), depth, item -> value(item, depth + 1));
            case Map<?, ?> map -> container('{', '}', members(map), depth, member -> member(member, depth));
            default -> throw Values.mismatch("a value that JSON can hold", value);
        }
    }

    private <T> void container(char open, char close, List<T> items, int depth, java.util.function.Consumer<T> write) {
        out.append(open);
        for (int i = 0; i < items.size(); i++) {
            out.append(i > 0 ? itemSeparator : "");
            line(depth + 1);
            write.accept(items.get(i));
        }
        if (!items.isEmpty()) {
            line(depth);
        }
        out.append(close);
    }

    private List<Map.Entry<?, ?>> members(Map<?, ?> map) {
        List<Map.Entry<?, ?>> members = new ArrayList<>(map.entrySet());
        if (sorted) {
            members.sort(Comparator.comparing(Map.Entry::getKey, Operators::order));
        }
        return members;
    }

    private void member(Map.Entry<?, ?> member, int depth) {
        string(member.getKey() instanceof String key ? key : Text.of(member.getKey(), budget));
        out.append(keySeparator);
        value(member.getValue(), depth + 1);
    }

    private void line(int depth) {
        if (indent != null) {
            out.append('\n').repeat(indent, depth);
        }
    }

    private void string(String text) {
        budget.charge(text.length());
        out.append('"');
        for (char c : text.toCharArray()) {
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < ' ' || ascii && c > '~') {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
