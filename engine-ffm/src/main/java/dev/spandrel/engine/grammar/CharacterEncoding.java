package dev.spandrel.engine.grammar;

import java.util.ArrayList;
import java.util.List;

/** How a character of a pattern stands in the output. */
@FunctionalInterface
interface CharacterEncoding {
    /** As it is, in UTF-8. */
    CharacterEncoding PLAIN = Utf8Ranges::of;

    /** Inside a JSON string: quotes, backslashes and control characters by their escapes (RFC 8259, section 7). */
    CharacterEncoding JSON = CharacterEncoding::json;

    /** One character of a set that is not empty. */
    Expression of(CodePoints set);

    /** Characters that stand for themselves in a JSON string. */
    CodePoints UNESCAPED = CodePoints.of(new CodePoints.Range(0x20, Character.MAX_CODE_POINT))
            .and(CodePoints.of("\"\\").not());

    private static Expression json(CodePoints set) {
        List<Expression> alternatives = new ArrayList<>();
        CodePoints plain = set.and(UNESCAPED);
        if (!plain.isEmpty()) {
            alternatives.add(Utf8Ranges.of(plain));
        }
        for (int c = 0; c < 0x80; c++) {
            if (!UNESCAPED.contains(c) && set.contains(c)) {
                alternatives.add(Expression.text(escape(c)));
            }
        }
        return alternatives.size() == 1 ? alternatives.getFirst() : new Expression.Choice(alternatives);
    }

    private static String escape(int c) {
        return switch (c) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\b' -> "\\b";
            case '\f' -> "\\f";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> "\\u%04x".formatted(c);
        };
    }
}
