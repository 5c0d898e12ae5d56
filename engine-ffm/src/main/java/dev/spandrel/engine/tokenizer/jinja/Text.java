package dev.spandrel.engine.tokenizer.jinja;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** Values as text: {@code str()}, {@code repr()} of Python. */
final class Text {
    private final Budget budget;
    private final StringBuilder out = new StringBuilder();

    private Text(Budget budget) {
        this.budget = budget;
    }

    /** As {@code str()}; what is undefined is empty. */
    static String of(Object value, Budget budget) {
        if (value instanceof String text) {
            return text;
        }
        if (value instanceof Undefined) {
            return "";
        }
        Text text = new Text(budget);
        text.repr(value, 0);
        return text.out.toString();
    }

    private void repr(Object value, int depth) {
        Values.checkDepth(depth);
        budget.charge(out.length() > Budget.MAX_SIZE ? out.length() : 0);
        switch (value) {
            case null -> out.append("None");
            case Boolean bool -> out.append(bool ? "True" : "False");
            case Double number -> out.append(number(number));
            case String text -> quoted(text);
            case Undefined _ -> out.append("Undefined");
            case List<?> list -> list(list, depth);
            case Map<?, ?> map -> map(map, depth);
            case Function function -> out.append("<function>");
            default -> out.append(value);
        }
    }

    private void list(List<?> list, int depth) {
        boolean tuple = list instanceof Tuple;
        out.append(tuple ? '(' : '[');
        for (int i = 0; i < list.size(); i++) {
            out.append(i > 0 ? ", " : "");
            repr(list.get(i), depth + 1);
        }
        out.append(tuple && list.size() == 1 ? "," : "").append(tuple ? ')' : ']');
    }

    private void map(Map<?, ?> map, int depth) {
        String separator = "{";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(separator);
            repr(entry.getKey(), depth + 1);
            out.append(": ");
            repr(entry.getValue(), depth + 1);
            separator = ", ";
        }
        out.append(map.isEmpty() ? "{}" : "}");
    }

    private void quoted(String text) {
        budget.charge(text.length());
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        text.codePoints().forEach(c -> {
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(quote);
                    } else if (c < ' ' || c == 0x7f) {
                        out.append("\\x%02x".formatted(c));
                    } else {
                        out.appendCodePoint(c);
                    }
                }
            }
        });
        out.append(quote);
    }

    /** As {@code repr(float)}: the shortest digits, plain between 1e-4 and 1e16. */
    static String number(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            return Double.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }
        double size = Math.abs(value);
        if (size == 0 || size >= 1e-4 && size < 1e16) {
            String plain = new BigDecimal(Double.toString(value)).toPlainString();
            String text = value == 0 && 1 / value < 0 && !plain.startsWith("-") ? "-" + plain : plain;
            return text.contains(".") ? text : text + ".0";
        }
        BigDecimal decimal = new BigDecimal(Double.toString(value)).stripTrailingZeros();
        String digits = decimal.unscaledValue().abs().toString();
        int exponent = digits.length() - 1 - decimal.scale();
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        String sign = exponent < 0 ? "-" : "+";
        return (value < 0 ? "-" : "") + digits.charAt(0) + fraction + "e" + sign + "%02d".formatted(Math.abs(exponent));
    }
}
