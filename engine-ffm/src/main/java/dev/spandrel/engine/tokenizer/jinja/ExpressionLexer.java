package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.List;

/** Tokens of one tag, from behind its opening braces to before its closing ones. */
final class ExpressionLexer {
    private static final List<String> OPERATORS = List.of(
            "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{",
            "}", "|", ",", ":", ".");

    /** Each token of a tag may nest a closure; real tags have some dozens. */
    private static final int MAX_TOKENS = 1000;

    private final String source;
    private final String end;
    private int at;
    private int line;
    private int open;

    ExpressionLexer(String source, int from, int line, String end) {
        this.source = source;
        this.at = from;
        this.line = line;
        this.end = end;
    }

    /** @return where the tag's end begins, with its sign if it has one */
    int lex(List<Token> tokens) {
        int most = tokens.size() + MAX_TOKENS;
        while (true) {
            skipSpace();
            if (tokens.size() == most) {
                throw error("a tag of more than " + MAX_TOKENS + " tokens");
            }
            if (at == source.length()) {
                throw error("a tag that does not end with " + end);
            }
            if (open == 0 && atEnd()) {
                return at;
            }
            int start = at;
            int startLine = line;
            char c = source.charAt(at);
            if (c == '\'' || c == '"') {
                tokens.add(new Token(Kind.STRING, string(c), startLine));
            } else if (c >= '0' && c <= '9') {
                tokens.add(number(start));
            } else if (Character.isUnicodeIdentifierStart(c) || c == '_') {
                while (at < source.length() && Character.isUnicodeIdentifierPart(source.charAt(at))) {
                    at++;
                }
                tokens.add(new Token(Kind.NAME, source.substring(start, at), line));
            } else {
                tokens.add(new Token(Kind.OPERATOR, operator(), line));
            }
        }
    }

    private boolean atEnd() {
        boolean sign = source.charAt(at) == '-' || source.charAt(at) == '+' && end.equals("%}");
        return source.startsWith(end, at) || sign && source.startsWith(end, at + 1);
    }

    private void skipSpace() {
        while (at < source.length() && Strings.isSpace(source.charAt(at))) {
            line += source.charAt(at++) == '\n' ? 1 : 0;
        }
    }

    private String operator() {
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, at)) {
                at += operator.length();
                open += "([{".contains(operator) ? 1 : ")]}".contains(operator) ? -1 : 0;
                return operator;
            }
        }
        throw error("the character " + source.charAt(at));
    }

    private Token number(int start) {
        digits();
        boolean isFloat = false;
        if (at + 1 < source.length() && source.charAt(at) == '.' && isDigit(at + 1)) {
            at++;
            digits();
            isFloat = true;
        }
        if (at < source.length() && (source.charAt(at) | 0x20) == 'e') {
            int digit = at + 1 < source.length() && "+-".indexOf(source.charAt(at + 1)) >= 0 ? at + 2 : at + 1;
            if (isDigit(digit)) {
                at = digit;
                digits();
                isFloat = true;
            }
        }
        String text = source.substring(start, at).replace("_", "");
        return new Token(isFloat ? Kind.FLOAT : Kind.INTEGER, text, line);
    }

    private void digits() {
        while (isDigit(at) || at < source.length() && source.charAt(at) == '_' && isDigit(at + 1)) {
            at++;
        }
    }

    private boolean isDigit(int index) {
        return index < source.length() && source.charAt(index) >= '0' && source.charAt(index) <= '9';
    }

    private String string(char quote) {
        StringBuilder text = new StringBuilder();
        int startLine = line;
        at++;
        while (at < source.length() && source.charAt(at) != quote) {
            char c = source.charAt(at++);
            line += c == '\n' ? 1 : 0;
            if (c == '\\' && at < source.length()) {
                escape(text);
            } else {
                text.append(c);
            }
        }
        if (at == source.length()) {
            line = startLine;
            throw error("a string that does not end");
        }
        at++;
        return text.toString();
    }

    /** Python's escapes; one it does not know stays as it is. */
    private void escape(StringBuilder text) {
        char c = source.charAt(at++);
        switch (c) {
            case 'n' -> text.append('\n');
            case 't' -> text.append('\t');
            case 'r' -> text.append('\r');
            case 'b' -> text.append('\b');
            case 'f' -> text.append('\f');
            case 'v' -> text.append('\u000b');
            case 'a' -> text.append('\u0007');
            case '0' -> text.append('\0');
            case '\\', '\'', '"' -> text.append(c);
            case '\n' -> line++;
            case 'x' -> code(text, 2);
            case 'u' -> code(text, 4);
            case 'U' -> code(text, 8);
            default -> text.append('\\').append(c);
        }
    }

    private void code(StringBuilder text, int digits) {
        String hex = source.substring(at, Math.min(source.length(), at + digits));
        if (!hex.matches("[0-9a-fA-F]{" + digits + "}") || Long.parseLong(hex, 16) > Character.MAX_CODE_POINT) {
            throw error("the escape of a character as " + hex);
        }
        text.appendCodePoint(Integer.parseInt(hex, 16));
        at += digits;
    }

    private TemplateException error(String found) {
        return new TemplateException("expected an expression, found " + found).at(line);
    }
}
