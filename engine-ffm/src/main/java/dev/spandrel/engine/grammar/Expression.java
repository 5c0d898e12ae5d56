package dev.spandrel.engine.grammar;

import java.util.List;

/** A language over bytes, as a tree. Rules that others refer to by name make it a context-free grammar. */
sealed interface Expression {
    /** The empty text. */
    Expression EMPTY = new Sequence(List.of());

    /** One byte of a range, both ends included, 0 to 255. */
    record Bytes(int from, int to) implements Expression {}

    /** One after another. */
    record Sequence(List<Expression> parts) implements Expression {
        public Sequence {
            parts = List.copyOf(parts);
        }
    }

    /** One of several, at least one. */
    record Choice(List<Expression> alternatives) implements Expression {
        public Choice {
            alternatives = List.copyOf(alternatives);
        }
    }

    /**
     * One thing several times.
     *
     * @param most {@link #UNBOUNDED} for no limit
     */
    record Repeat(Expression body, int least, int most) implements Expression {
        /** No limit. */
        static final int UNBOUNDED = Integer.MAX_VALUE;
    }

    /** What a rule says. */
    record Reference(String rule) implements Expression {}

    static Expression sequence(Expression... parts) {
        return new Sequence(List.of(parts));
    }

    static Expression choice(Expression... alternatives) {
        return new Choice(List.of(alternatives));
    }

    static Expression optional(Expression body) {
        return new Repeat(body, 0, 1);
    }

    static Expression any(Expression body) {
        return new Repeat(body, 0, Repeat.UNBOUNDED);
    }

    /** A text, as UTF-8. */
    static Expression text(String text) {
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
        Expression[] parts = new Expression[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            parts[i] = new Bytes(bytes[i] & 0xff, bytes[i] & 0xff);
        }
        return sequence(parts);
    }
}
