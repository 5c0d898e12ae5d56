package dev.spandrel.engine.tokenizer.jinja;

/**
 * One piece of a template.
 *
 * @param text source text, or the value of a string literal
 * @param line first line, from 1
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        /** Text between tags. */
        DATA,
        /** {@code {%} */
        BLOCK_BEGIN,
        BLOCK_END,
        /** <code>{{</code> */
        VARIABLE_BEGIN,
        VARIABLE_END,
        NAME,
        STRING,
        INTEGER,
        FLOAT,
        OPERATOR,
        END
    }

    boolean is(Kind expected, String value) {
        return kind == expected && text.equals(value);
    }

    /** For messages. */
    String shown() {
        return kind == Kind.END ? "the end of the template" : text.isEmpty() ? kind.toString() : text;
    }
}
