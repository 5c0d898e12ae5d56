package dev.spandrel.engine.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
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

    /**
     * One of several texts. What they begin with in common is there once, so that however many there are, no more than one
     * place per byte is left after any beginning.
     *
     * @param texts at least one
     */
    static Expression texts(Collection<String> texts) {
        byte[][] sorted = texts.stream()
                .map(text -> text.getBytes(StandardCharsets.UTF_8))
                .sorted(Arrays::compareUnsigned)
                .toArray(byte[][]::new);
        return texts(sorted, 0, sorted.length, 0);
    }

    private static Expression texts(byte[][] sorted, int from, int to, int depth) {
        byte[] first = sorted[from];
        int mismatch = Arrays.mismatch(first, sorted[to - 1]);
        int common = mismatch < 0 ? first.length : mismatch;
        List<Expression> sequence = new ArrayList<>();
        for (int i = depth; i < common; i++) {
            sequence.add(new Bytes(first[i] & 0xff, first[i] & 0xff));
        }
        if (mismatch < 0) {
            return new Sequence(sequence);
        }
        List<Expression> alternatives = new ArrayList<>();
        int start = from;
        for (; start < to && sorted[start].length == common; start++) {
            if (alternatives.isEmpty()) {
                alternatives.add(EMPTY);
            }
        }
        while (start < to) {
            int end = start + 1;
            while (end < to && sorted[end][common] == sorted[start][common]) {
                end++;
            }
            alternatives.add(texts(sorted, start, end, common));
            start = end;
        }
        sequence.add(new Choice(alternatives));
        return new Sequence(sequence);
    }

    /** A text, as UTF-8. */
    static Expression text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Expression[] parts = new Expression[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            parts[i] = new Bytes(bytes[i] & 0xff, bytes[i] & 0xff);
        }
        return sequence(parts);
    }
}
