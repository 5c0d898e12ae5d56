package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Token.Kind;
import java.util.List;

/** The tokens of a template, one after the other, and how deep the parser is nested. */
final class TokenStream {
    /** Brackets and blocks within each other: each level costs the parser and the renderer some stack. */
    private static final int MAX_NESTING = 100;

    private final List<Token> tokens;
    private int at;
    private int nesting;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token peek(int ahead) {
        return tokens.get(Math.min(at + ahead, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        at += token.kind() == Kind.END ? 0 : 1;
        return token;
    }

    boolean isOperator(String text) {
        return peek().is(Kind.OPERATOR, text);
    }

    boolean isName(String text) {
        return peek().is(Kind.NAME, text);
    }

    boolean skipOperator(String text) {
        return skip(isOperator(text));
    }

    boolean skipName(String text) {
        return skip(isName(text));
    }

    private boolean skip(boolean there) {
        at += there ? 1 : 0;
        return there;
    }

    void expectOperator(String text) {
        if (!skipOperator(text)) {
            throw unexpected(text);
        }
    }

    void expectName(String text) {
        if (!skipName(text)) {
            throw unexpected(text);
        }
    }

    Token expect(Kind kind) {
        if (peek().kind() != kind) {
            throw unexpected(kind == Kind.NAME ? "a name" : kind == Kind.BLOCK_END ? "%}" : "}}");
        }
        return next();
    }

    TemplateException unexpected(String expected) {
        return new TemplateException("expected " + expected + ", found " + peek().shown()).at(peek().line());
    }

    void enter() {
        if (++nesting > MAX_NESTING) {
            throw new TemplateException("expected at most " + MAX_NESTING + " levels of nesting, found more")
                    .at(peek().line());
        }
    }

    void leave() {
        nesting--;
    }
}
