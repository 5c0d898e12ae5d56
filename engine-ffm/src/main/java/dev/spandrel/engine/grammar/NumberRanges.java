package dev.spandrel.engine.grammar;

import static dev.spandrel.engine.grammar.Expression.sequence;
import static dev.spandrel.engine.grammar.Expression.text;

import dev.spandrel.engine.grammar.Expression.Bytes;
import dev.spandrel.engine.grammar.Expression.Repeat;
import java.util.ArrayList;
import java.util.List;

/** Whole numbers between two bounds, written in decimal, as a language over digits. */
final class NumberRanges {
    /** Eighteen digits, which every parser keeps. */
    static final long MOST = 999_999_999_999_999_999L;

    private NumberRanges() {}

    /**
     * Whole numbers from one bound to the other, both included.
     *
     * @param from at least −{@link #MOST}, at most {@code to}
     * @param to at most {@link #MOST}
     */
    static Expression whole(long from, long to) {
        List<Expression> alternatives = new ArrayList<>();
        if (from < 0) {
            alternatives.add(sequence(text("-"), digits(Math.max(1, -to), -from)));
        }
        if (to >= 0) {
            alternatives.add(digits(Math.max(0, from), to));
        }
        return new Expression.Choice(alternatives);
    }

    /**
     * Numbers with or without a fraction between two whole bounds.
     *
     * @param from at most {@code to}
     * @param fromIncluded whether the lower bound is one of them, likewise {@code toIncluded}
     */
    static Expression decimal(long from, boolean fromIncluded, long to, boolean toIncluded) {
        List<Expression> alternatives = new ArrayList<>();
        // An exact bound may only be written without a fraction; between two neighbours any fraction but 0 will do.
        for (long bound : new long[] {from, to}) {
            if (bound == from ? fromIncluded && (from != to || toIncluded) : toIncluded) {
                alternatives.add(text(Long.toString(bound)));
            }
        }
        if (from < 0 && from < to) {
            long nearest = to >= 0 ? 0 : -to;
            Expression whole = digits(nearest, -from - 1);
            alternatives.add(sequence(text("-"), whole, positiveFraction()));
            addWholeBetween(from, Math.min(to, 0), alternatives);
        }
        if (to > 0 && from < to) {
            alternatives.add(sequence(digits(Math.max(0, from), to - 1), positiveFraction()));
            addWholeBetween(Math.max(from, -1), to, alternatives);
        }
        if (from < 0 && to > 0) {
            alternatives.add(text("0"));
        }
        return new Expression.Choice(alternatives);
    }

    private static void addWholeBetween(long from, long to, List<Expression> out) {
        if (to - from >= 2) {
            out.add(whole(from + 1, to - 1));
        }
    }

    /** Up to fifteen digits of which the last is not 0. */
    private static Expression positiveFraction() {
        return sequence(text("."), new Repeat(JsonGrammar.DIGIT, 0, 14), new Bytes('1', '9'));
    }

    /** Numbers that are not negative, from one to the other, without leading zeros. */
    private static Expression digits(long from, long to) {
        List<Expression> alternatives = new ArrayList<>();
        long low = from;
        for (long end = 9; low <= to; end = end >= MOST ? Long.MAX_VALUE : end * 10 + 9) {
            if (low <= end) {
                long high = Math.min(end, to);
                alternatives.add(equalLength(Long.toString(low), Long.toString(high)));
                low = high + 1;
            }
        }
        return new Expression.Choice(alternatives);
    }

    private static Expression equalLength(String from, String to) {
        if (from.isEmpty()) {
            return Expression.EMPTY;
        }
        char first = from.charAt(0);
        char last = to.charAt(0);
        String restFrom = from.substring(1);
        String restTo = to.substring(1);
        if (first == last) {
            return sequence(new Bytes(first, first), equalLength(restFrom, restTo));
        }
        List<Expression> alternatives = new ArrayList<>();
        int rest = restFrom.length();
        alternatives.add(sequence(new Bytes(first, first), equalLength(restFrom, "9".repeat(rest))));
        if (last - first > 1) {
            alternatives.add(sequence(new Bytes(first + 1, last - 1), new Repeat(JsonGrammar.DIGIT, rest, rest)));
        }
        alternatives.add(sequence(new Bytes(last, last), equalLength("0".repeat(rest), restTo)));
        return new Expression.Choice(alternatives);
    }
}
