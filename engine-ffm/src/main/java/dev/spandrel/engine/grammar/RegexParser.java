package dev.spandrel.engine.grammar;

import dev.spandrel.engine.EngineException;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a regular expression in the syntax that Python and JavaScript have in common: characters, classes, groups,
 * alternatives, quantifiers, anchors at the ends of alternatives. {@code \d}, {@code \w} and {@code \s} are those of ASCII.
 * What no automaton can do (look-around, back references) or this one does not (word boundaries, inline flags) is refused
 * by name.
 */
final class RegexParser {
    /** Longest pattern in characters. */
    static final int MAX_LENGTH = 10_000;

    private static final int MAX_DEPTH = 100;
    private static final int MAX_COUNT = 100_000;

    private final String parameter;
    private final String pattern;
    private final CharacterEncoding encoding;
    private final boolean search;
    private int at;
    private int depth;

    private RegexParser(String parameter, String pattern, CharacterEncoding encoding, boolean search) {
        this.parameter = parameter;
        this.pattern = pattern;
        this.encoding = encoding;
        this.search = search;
    }

    /**
     * Reads a pattern.
     *
     * @param parameter the request's field, for messages
     * @param search whether the text need only contain a match, where no anchor says otherwise
     * @throws EngineException.InvalidRequest saying where and why
     */
    static Expression parse(String parameter, String pattern, CharacterEncoding encoding, boolean search) {
        if (pattern.length() > MAX_LENGTH) {
            throw new EngineException.InvalidRequest(
                    parameter, "a regular expression may have " + MAX_LENGTH + " characters, got " + pattern.length());
        }
        RegexParser parser = new RegexParser(parameter, pattern, encoding, search);
        Expression all = parser.alternatives();
        if (parser.at < pattern.length()) {
            throw parser.error("unmatched )");
        }
        return all;
    }

    private EngineException.InvalidRequest error(String problem) {
        return new EngineException.InvalidRequest(
                parameter, "the regular expression " + pattern + " cannot be used: " + problem + " at character " + at);
    }

    private Expression alternatives() {
        if (++depth > MAX_DEPTH) {
            throw error("groups nested more than " + MAX_DEPTH + " deep");
        }
        List<Expression> alternatives = new ArrayList<>();
        do {
            alternatives.add(sequence());
        } while (take('|'));
        depth--;
        return alternatives.size() == 1 ? alternatives.getFirst() : new Expression.Choice(alternatives);
    }

    private Expression sequence() {
        boolean top = depth == 1;
        List<Expression> parts = new ArrayList<>();
        boolean start = top && take('^');
        boolean end = false;
        while (at < pattern.length() && pattern.charAt(at) != '|' && pattern.charAt(at) != ')') {
            if (top && pattern.charAt(at) == '$' && atEnd(at + 1)) {
                at++;
                end = true;
            } else {
                parts.add(quantified(atom()));
            }
        }
        if (search && top) {
            Expression anything = Expression.any(encoding.of(CodePoints.ALL));
            if (!start) {
                parts.addFirst(anything);
            }
            if (!end) {
                parts.add(anything);
            }
        }
        return new Expression.Sequence(parts);
    }

    private boolean atEnd(int index) {
        return index == pattern.length() || pattern.charAt(index) == '|';
    }

    private boolean take(char c) {
        boolean found = at < pattern.length() && pattern.charAt(at) == c;
        at += found ? 1 : 0;
        return found;
    }

    private char next(String wanted) {
        if (at == pattern.length()) {
            throw error("expected " + wanted + ", found the end");
        }
        return pattern.charAt(at++);
    }

    private Expression quantified(Expression atom) {
        Expression body = atom;
        while (at < pattern.length()) {
            int before = at;
            switch (pattern.charAt(at++)) {
                case '*' -> body = Expression.any(body);
                case '+' -> body = new Expression.Repeat(body, 1, Expression.Repeat.UNBOUNDED);
                case '?' -> body = Expression.optional(body);
                case '{' -> {
                    Expression counted = counted(body);
                    if (counted == null) {
                        at = before;
                        return body;
                    }
                    body = counted;
                }
                default -> {
                    at = before;
                    return body;
                }
            }
            // Lazy and possessive match the same texts.
            if (!take('?')) {
                take('+');
            }
        }
        return body;
    }

    /** The rest of {m}, {m,} or {m,n}; null when it is none, and then a brace is a brace. */
    private Expression counted(Expression body) {
        int close = pattern.indexOf('}', at);
        String counts = close < 0 ? "" : pattern.substring(at, close);
        if (!counts.matches("[0-9]{1,9}(,[0-9]{0,9})?")) {
            return null;
        }
        at = close + 1;
        int comma = counts.indexOf(',');
        int least = Integer.parseInt(comma < 0 ? counts : counts.substring(0, comma));
        int most = comma < 0
                ? least
                : comma == counts.length() - 1
                        ? Expression.Repeat.UNBOUNDED
                        : Integer.parseInt(counts.substring(comma + 1));
        if (least > most || least > MAX_COUNT || most > MAX_COUNT && most != Expression.Repeat.UNBOUNDED) {
            throw error("{" + counts + "}: expected ascending counts of at most " + MAX_COUNT);
        }
        return new Expression.Repeat(body, least, most);
    }

    private Expression atom() {
        char c = pattern.charAt(at);
        switch (c) {
            case '(' -> {
                at++;
                return group();
            }
            case '[' -> {
                at++;
                return characters(bracket());
            }
            case '.' -> {
                at++;
                return encoding.of(CodePoints.of('\n').not());
            }
            case '\\' -> {
                at++;
                return characters(escape(false));
            }
            case '*', '+', '?' -> throw error("nothing to repeat");
            case '^', '$' -> throw error("an anchor is only understood at the end of an alternative, found " + c);
            default -> {
                int codePoint = pattern.codePointAt(at);
                at += Character.charCount(codePoint);
                return characters(CodePoints.of(codePoint));
            }
        }
    }

    private Expression characters(CodePoints set) {
        if (set.isEmpty()) {
            throw error("a class without characters");
        }
        return encoding.of(set);
    }

    private Expression group() {
        if (take('?')) {
            String name = groupName();
            if (name != null) {
                throw error("(?" + name + " is not understood");
            }
        }
        Expression inner = alternatives();
        if (!take(')')) {
            throw error("expected )");
        }
        return inner;
    }

    /** Reads what follows (?; returns it when it is more than a way to group. */
    private String groupName() {
        if (take(':')) {
            return null;
        }
        int close = pattern.indexOf('>', at);
        boolean named = pattern.startsWith("P<", at)
                || pattern.startsWith("<", at) && !pattern.startsWith("<=", at) && !pattern.startsWith("<!", at);
        if (named && close > 0) {
            at = close + 1;
            return null;
        }
        return pattern.substring(at, Math.min(pattern.length(), at + 2));
    }

    private CodePoints bracket() {
        boolean negated = take('^');
        CodePoints set = new CodePoints(List.of());
        boolean first = true;
        while (first || at >= pattern.length() || pattern.charAt(at) != ']') {
            first = false;
            CodePoints from = bracketItem();
            boolean range = pattern.startsWith("-", at) && !pattern.startsWith("-]", at);
            if (range) {
                at++;
                from = range(from, bracketItem());
            }
            set = set.or(from);
        }
        at++;
        return negated ? set.not() : set;
    }

    private CodePoints range(CodePoints from, CodePoints to) {
        if (!single(from) || !single(to)) {
            throw error("a range of characters must run between two characters");
        }
        int first = from.ranges().getFirst().from();
        int last = to.ranges().getFirst().from();
        if (first > last) {
            throw error("a range of characters must ascend");
        }
        return CodePoints.of(new CodePoints.Range(first, last));
    }

    private static boolean single(CodePoints set) {
        return set.ranges().size() == 1
                && set.ranges().getFirst().from() == set.ranges().getFirst().to();
    }

    private CodePoints bracketItem() {
        char c = next("]");
        if (c == '\\') {
            return escape(true);
        }
        if (c == '[' && (pattern.startsWith(":", at) || pattern.startsWith(".", at))) {
            throw error("POSIX classes are not understood");
        }
        int codePoint = pattern.codePointAt(at - 1);
        at += Character.charCount(codePoint) - 1;
        return CodePoints.of(codePoint);
    }

    private CodePoints escape(boolean inBracket) {
        char c = next("a character behind \\");
        return switch (c) {
            case 'd' -> RegexClasses.DIGIT;
            case 'D' -> RegexClasses.DIGIT.not();
            case 'w' -> RegexClasses.WORD;
            case 'W' -> RegexClasses.WORD.not();
            case 's' -> RegexClasses.SPACE;
            case 'S' -> RegexClasses.SPACE.not();
            case 'n' -> CodePoints.of('\n');
            case 'r' -> CodePoints.of('\r');
            case 't' -> CodePoints.of('\t');
            case 'f' -> CodePoints.of('\f');
            case 'v' -> CodePoints.of(0x0b);
            case '0' -> CodePoints.of(0);
            case 'x' -> CodePoints.of(hex(2));
            case 'u' -> CodePoints.of(unicode());
            case 'b' -> {
                if (inBracket) {
                    yield CodePoints.of('\b');
                }
                throw error("\\b (word boundary) is not understood");
            }
            default -> {
                if (Character.isLetterOrDigit(c)) {
                    throw error("\\" + c + " is not understood");
                }
                yield CodePoints.of(c);
            }
        };
    }

    private int unicode() {
        if (take('{')) {
            int close = pattern.indexOf('}', at);
            String digits = close < 0 ? "" : pattern.substring(at, close);
            if (!digits.matches("[0-9A-Fa-f]{1,6}") || Integer.parseInt(digits, 16) > Character.MAX_CODE_POINT) {
                throw error("expected hexadecimal digits in \\u{}");
            }
            at = close + 1;
            return Integer.parseInt(digits, 16);
        }
        int unit = hex(4);
        if (Character.isHighSurrogate((char) unit) && pattern.startsWith("\\u", at)) {
            at += 2;
            return Character.toCodePoint((char) unit, (char) hex(4));
        }
        return unit;
    }

    private int hex(int digits) {
        String text = at + digits <= pattern.length() ? pattern.substring(at, at + digits) : "";
        if (!text.matches("[0-9A-Fa-f]+")) {
            throw error("expected " + digits + " hexadecimal digits");
        }
        at += digits;
        return Integer.parseInt(text, 16);
    }
}
