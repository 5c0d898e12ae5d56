package dev.spandrel.engine.grammar;

import dev.spandrel.engine.grammar.Expression.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Sets of characters as sequences of byte ranges: a range of code points is cut where the length of its UTF-8 changes, and
 * further until all but a common beginning runs over whole bytes (the method of Thompson's {@code grep} for UTF-8).
 */
final class Utf8Ranges {
    private static final int[] LAST_OF_LENGTH = {0x7f, 0x7ff, 0xffff, 0x10ffff};

    private Utf8Ranges() {}

    /** One character of the set; the set must not be empty. */
    static Expression of(CodePoints set) {
        List<Expression> alternatives = new ArrayList<>();
        for (CodePoints.Range range : set.ranges()) {
            int from = range.from();
            for (int last : LAST_OF_LENGTH) {
                if (from <= Math.min(last, range.to())) {
                    add(bytes(from), bytes(Math.min(last, range.to())), alternatives);
                    from = last + 1;
                }
            }
        }
        return alternatives.size() == 1 ? alternatives.getFirst() : new Expression.Choice(alternatives);
    }

    private static int[] bytes(int codePoint) {
        byte[] encoded = Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
        int[] bytes = new int[encoded.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = encoded[i] & 0xff;
        }
        return bytes;
    }

    /** Sequences of equal length; of two neighbours in order everything between. */
    private static void add(int[] from, int[] to, List<Expression> out) {
        int split = 0;
        while (split < from.length && from[split] == to[split]) {
            split++;
        }
        // Behind the first difference it must run from the least to the last byte, or be cut.
        for (int i = split + 1; i < from.length; i++) {
            if (from[i] != 0x80) {
                int[] end = from.clone();
                fill(end, i, 0xbf);
                int[] next = next(end);
                add(from, end, out);
                add(next, to, out);
                return;
            }
            if (to[i] != 0xbf) {
                int[] start = to.clone();
                fill(start, i, 0x80);
                add(from, previous(start), out);
                add(start, to, out);
                return;
            }
        }
        List<Expression> parts = new ArrayList<>(from.length);
        for (int i = 0; i < from.length; i++) {
            parts.add(new Bytes(from[i], to[i]));
        }
        out.add(new Expression.Sequence(parts));
    }

    private static void fill(int[] bytes, int from, int value) {
        for (int i = from; i < bytes.length; i++) {
            bytes[i] = value;
        }
    }

    /** The sequence behind one that ends in last bytes. */
    private static int[] next(int[] bytes) {
        int[] next = bytes.clone();
        int i = next.length - 1;
        while (next[i] == 0xbf) {
            next[i--] = 0x80;
        }
        next[i]++;
        return next;
    }

    /** The sequence before one that ends in first bytes. */
    private static int[] previous(int[] bytes) {
        int[] previous = bytes.clone();
        int i = previous.length - 1;
        while (previous[i] == 0x80) {
            previous[i--] = 0xbf;
        }
        previous[i]--;
        return previous;
    }
}
