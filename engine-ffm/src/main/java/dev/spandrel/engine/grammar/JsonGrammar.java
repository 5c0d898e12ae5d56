package dev.spandrel.engine.grammar;

import static dev.spandrel.engine.grammar.Expression.any;
import static dev.spandrel.engine.grammar.Expression.choice;
import static dev.spandrel.engine.grammar.Expression.optional;
import static dev.spandrel.engine.grammar.Expression.sequence;
import static dev.spandrel.engine.grammar.Expression.text;

import dev.spandrel.engine.grammar.Expression.Bytes;
import dev.spandrel.engine.grammar.Expression.Reference;
import dev.spandrel.engine.grammar.Expression.Repeat;
import java.util.Map;

/**
 * JSON text (RFC 8259). White space is what models write (one space, or a line break with an indentation) and numbers have
 * as many digits as parsers keep, so that no output runs on in either for ever.
 */
final class JsonGrammar {
    static final Expression SPACE = new Reference("json space");
    static final Expression STRING = new Reference("json string");
    static final Expression NUMBER = new Reference("json number");
    static final Expression INTEGER = new Reference("json integer");
    static final Expression OBJECT = new Reference("json object");
    static final Expression ARRAY = new Reference("json array");
    static final Expression VALUE = new Reference("json value");
    static final Expression BOOLEAN = choice(text("true"), text("false"));
    static final Expression NULL = text("null");
    static final Expression DIGIT = new Bytes('0', '9');
    static final Expression FRACTION = sequence(text("."), new Repeat(DIGIT, 1, 15));

    /** One character of a string: itself, or one of its escapes; surrogates only in pairs. */
    static final Expression CHARACTER = choice(
            Utf8Ranges.of(CharacterEncoding.UNESCAPED),
            sequence(
                    text("\\"),
                    choice(Utf8Ranges.of(CodePoints.of("\"\\/bfnrt")), sequence(text("u"), unicodeEscape()))));

    private static final int MAX_INDENT = 32;

    private JsonGrammar() {}

    /** Adds the rules that the constants refer to. */
    static void addTo(Map<String, Expression> rules) {
        Expression blank = choice(new Bytes(' ', ' '), new Bytes('\t', '\t'));
        rules.put("json space", optional(choice(text(" "), sequence(text("\n"), new Repeat(blank, 0, MAX_INDENT)))));
        rules.put("json string", sequence(text("\""), any(CHARACTER), text("\"")));
        Expression sign = optional(text("-"));
        Expression positive = new Bytes('1', '9');
        Expression exponent =
                sequence(choice(text("e"), text("E")), optional(choice(text("+"), text("-"))), new Repeat(DIGIT, 1, 2));
        rules.put(
                "json number",
                sequence(
                        sign,
                        choice(text("0"), sequence(positive, new Repeat(DIGIT, 0, 14))),
                        optional(FRACTION),
                        optional(exponent)));
        rules.put("json integer", sequence(sign, choice(text("0"), sequence(positive, new Repeat(DIGIT, 0, 17)))));
        rules.put("json object", object(member(STRING, VALUE)));
        rules.put("json array", list("[", VALUE, "]"));
        rules.put("json value", choice(STRING, NUMBER, OBJECT, ARRAY, BOOLEAN, NULL));
    }

    /** An object of any number of equal members. */
    static Expression object(Expression member) {
        return list("{", member, "}");
    }

    static Expression member(Expression key, Expression value) {
        return sequence(key, text(":"), SPACE, value);
    }

    static Expression comma() {
        return sequence(text(","), SPACE);
    }

    private static Expression list(String open, Expression item, String close) {
        return sequence(text(open), SPACE, optional(sequence(item, any(sequence(comma(), item)), SPACE)), text(close));
    }

    private static Expression unicodeEscape() {
        Expression hex = choice(DIGIT, new Bytes('a', 'f'), new Bytes('A', 'F'));
        Expression notD =
                choice(DIGIT, new Bytes('a', 'c'), new Bytes('A', 'C'), new Bytes('e', 'f'), new Bytes('E', 'F'));
        Expression d = choice(text("d"), text("D"));
        Expression high = choice(text("8"), text("9"), new Bytes('a', 'b'), new Bytes('A', 'B'));
        Expression low = choice(new Bytes('c', 'f'), new Bytes('C', 'F'));
        return choice(
                sequence(notD, hex, hex, hex),
                sequence(d, new Bytes('0', '7'), hex, hex),
                sequence(d, high, hex, hex, text("\\u"), d, low, hex, hex));
    }
}
