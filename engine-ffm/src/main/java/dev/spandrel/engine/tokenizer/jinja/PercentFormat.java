package dev.spandrel.engine.tokenizer.jinja;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's {@code %} on strings, for the conversions that templates use. */
final class PercentFormat {
    private static final Pattern CONVERSION = Pattern.compile("%(0?)([0-9]{0,3})(?:\\.([0-9]{1,2}))?([sdfr%])");

    private PercentFormat() {}

    static String format(String format, List<Object> values, Budget budget) {
        Matcher matcher = CONVERSION.matcher(format);
        StringBuilder out = new StringBuilder();
        int next = 0;
        int copied = 0;
        while (matcher.find()) {
            out.append(format, copied, matcher.start());
            copied = matcher.end();
            if (matcher.group(4).equals("%")) {
                out.append('%');
                continue;
            }
            if (next == values.size()) {
                throw new TemplateException("expected more than " + next + " values for the format " + format);
            }
            String text = one(matcher.group(4), matcher.group(3), values.get(next++), budget);
            int width = matcher.group(2).isEmpty() ? 0 : Integer.parseInt(matcher.group(2));
            out.repeat(matcher.group(1).isEmpty() ? " " : "0", Math.max(0, width - text.length()));
            out.append(text);
            budget.charge(out.length());
        }
        if (next < values.size()) {
            throw new TemplateException(
                    "expected " + next + " values for the format " + format + ", found " + values.size());
        }
        return out.append(format, copied, format.length()).toString();
    }

    private static String one(String conversion, String precision, Object value, Budget budget) {
        return switch (conversion) {
            case "d" -> Long.toString((long) Operators.number(value));
            case "f" ->
                String.format(
                        java.util.Locale.ROOT,
                        "%." + (precision == null ? "6" : precision) + "f",
                        Operators.number(value));
            case "r" ->
                Text.of(java.util.Collections.singletonList(value), budget).replaceAll("^\\[|]$", "");
            default -> Text.of(value, budget);
        };
    }
}
