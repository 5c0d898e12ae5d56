package dev.spandrel.engine.grammar;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A set of characters, surrogates never among them.
 *
 * @param ranges ascending, disjoint, not touching
 */
record CodePoints(List<Range> ranges) {
    /** All characters. */
    static final CodePoints ALL = of(new Range(0, Character.MAX_CODE_POINT));

    /** From and to, both included. */
    record Range(int from, int to) {}

    CodePoints {
        ranges = normal(ranges);
    }

    static CodePoints of(Range... ranges) {
        return new CodePoints(List.of(ranges));
    }

    static CodePoints of(int codePoint) {
        return of(new Range(codePoint, codePoint));
    }

    /** The characters of a text. */
    static CodePoints of(String characters) {
        return new CodePoints(
                characters.codePoints().mapToObj(c -> new Range(c, c)).toList());
    }

    boolean isEmpty() {
        return ranges.isEmpty();
    }

    CodePoints or(CodePoints other) {
        List<Range> both = new ArrayList<>(ranges);
        both.addAll(other.ranges);
        return new CodePoints(both);
    }

    CodePoints not() {
        List<Range> outside = new ArrayList<>();
        int next = 0;
        for (Range range : ranges) {
            if (range.from > next) {
                outside.add(new Range(next, range.from - 1));
            }
            next = range.to + 1;
        }
        if (next <= Character.MAX_CODE_POINT) {
            outside.add(new Range(next, Character.MAX_CODE_POINT));
        }
        return new CodePoints(outside);
    }

    CodePoints and(CodePoints other) {
        return not().or(other.not()).not();
    }

    boolean contains(int codePoint) {
        return ranges.stream().anyMatch(range -> range.from <= codePoint && codePoint <= range.to);
    }

    private static List<Range> normal(List<Range> ranges) {
        List<Range> sorted = new ArrayList<>();
        for (Range range : ranges) {
            // UTF-8 has no surrogates.
            addIfAny(sorted, range.from, Math.min(range.to, Character.MIN_SURROGATE - 1));
            addIfAny(sorted, Math.max(range.from, Character.MAX_SURROGATE + 1), range.to);
        }
        sorted.sort(Comparator.comparingInt(Range::from));
        List<Range> merged = new ArrayList<>();
        for (Range range : sorted) {
            Range last = merged.isEmpty() ? null : merged.getLast();
            if (last != null && range.from <= last.to + 1) {
                merged.set(merged.size() - 1, new Range(last.from, Math.max(last.to, range.to)));
            } else {
                merged.add(range);
            }
        }
        return List.copyOf(merged);
    }

    private static void addIfAny(List<Range> ranges, int from, int to) {
        if (from <= to) {
            ranges.add(new Range(from, to));
        }
    }
}
