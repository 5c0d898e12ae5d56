package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template into tokens, with Jinja's white space rules as transformers sets them: {@code trim_blocks} (the newline
 * after a block goes), {@code lstrip_blocks} (the white space between the line's start and a block goes), no newline at
 * the very end, and {@code -} and {@code +} at tags.
 */
final class Lexer {
    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;
    private int line = 1;
    private boolean lineStart = true;

    Lexer(String source) {
        String unix = source.replace("\r\n", "\n").replace('\r', '\n');
        this.source = unix.endsWith("\n") ? unix.substring(0, unix.length() - 1) : unix;
    }

    List<Token> tokens() {
        while (at < source.length()) {
            int tag = nextTag();
            data(tag);
            if (tag < source.length()) {
                tag();
            }
        }
        add(Kind.END, "");
        return tokens;
    }

    private int nextTag() {
        for (int i = source.indexOf('{', at); i >= 0; i = source.indexOf('{', i + 1)) {
            if (source.startsWith("{%", i) || source.startsWith("{{", i) || source.startsWith("{#", i)) {
                return i;
            }
        }
        return source.length();
    }

    /** Emits the text up to a tag, stripped as the tag says, and moves to the tag. */
    private void data(int tag) {
        String text = source.substring(at, tag);
        if (tag < source.length()) {
            text = strippedBefore(
                    text, source.charAt(tag + 1), tag + 2 < source.length() ? source.charAt(tag + 2) : ' ');
        }
        if (!text.isEmpty()) {
            add(Kind.DATA, text);
        }
        moveTo(tag);
    }

    private String strippedBefore(String text, char tag, char sign) {
        if (sign == '-') {
            return Strings.stripTrailing(text);
        }
        int from = text.lastIndexOf('\n') + 1;
        boolean wholeLine = from > 0 || lineStart;
        boolean blank = Strings.isBlank(text, from);
        return tag != '{' && sign != '+' && wholeLine && blank ? text.substring(0, from) : text;
    }

    private void tag() {
        char kind = source.charAt(at + 1);
        int begin = at;
        moveTo(at + 2);
        skipSign();
        switch (kind) {
            case '#' -> {
                int end = source.indexOf("#}", at);
                if (end < 0) {
                    throw error("a comment that does not end");
                }
                char sign = end > begin + 2 ? source.charAt(end - 1) : ' ';
                moveTo(end + 2);
                afterBlock(sign);
            }
            case '{' -> inside(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END, "}}");
            default -> {
                if (!raw()) {
                    inside(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
                }
            }
        }
        lineStart = source.charAt(at - 1) == '\n';
    }

    private void skipSign() {
        if (at < source.length() && (source.charAt(at) == '-' || source.charAt(at) == '+')) {
            at++;
        }
    }

    private void inside(Kind beginKind, Kind endKind, String end) {
        add(beginKind, "");
        ExpressionLexer expression = new ExpressionLexer(source, at, line, end);
        int to = expression.lex(tokens);
        moveTo(to);
        char sign = source.charAt(at);
        if (sign == '-' || sign == '+') {
            at++;
        } else {
            sign = ' ';
        }
        add(endKind, "");
        moveTo(at + 2);
        if (endKind == Kind.BLOCK_END || sign == '-') {
            afterBlock(sign);
        }
    }

    /** What a tag's end takes along of the text behind it. */
    private void afterBlock(char sign) {
        int to = at;
        if (sign == '-') {
            while (to < source.length() && Strings.isSpace(source.charAt(to))) {
                to++;
            }
        } else if (sign != '+' && to < source.length() && source.charAt(to) == '\n') {
            to++;
        }
        moveTo(to);
    }

    /** A raw block, from behind its <code>{%</code>; false when the block is another one. */
    private boolean raw() {
        int name = Strings.skipSpace(source, at);
        int end = name + 3;
        if (!source.startsWith("raw", name)) {
            return false;
        }
        end = Strings.skipSpace(source, end);
        boolean strip = source.startsWith("-", end);
        end += strip ? 1 : 0;
        if (!source.startsWith("%}", end)) {
            return false;
        }
        moveTo(strip ? Strings.skipSpace(source, end + 2) : end + 2);
        lineStart = source.charAt(at - 1) == '\n';
        for (int tag = source.indexOf("{%", at); tag >= 0; tag = source.indexOf("{%", tag + 2)) {
            if (endRaw(tag)) {
                return true;
            }
        }
        throw error("a raw block that does not end");
    }

    private boolean endRaw(int tag) {
        int name = tag + 2;
        name += source.startsWith("-", name) || source.startsWith("+", name) ? 1 : 0;
        name = Strings.skipSpace(source, name);
        if (!source.startsWith("endraw", name)) {
            return false;
        }
        int end = Strings.skipSpace(source, name + 6);
        char sign = end < source.length() ? source.charAt(end) : ' ';
        end += sign == '-' || sign == '+' ? 1 : 0;
        if (!source.startsWith("%}", end)) {
            return false;
        }
        data(tag);
        moveTo(end + 2);
        afterBlock(sign);
        return true;
    }

    private void moveTo(int to) {
        for (int i = at; i < to; i++) {
            line += source.charAt(i) == '\n' ? 1 : 0;
        }
        at = to;
    }

    private void add(Kind kind, String text) {
        tokens.add(new Token(kind, text, line));
    }

    private TemplateException error(String message) {
        return new TemplateException("expected a template, found " + message).at(line);
    }
}
