package dev.spandrel.engine.grammar;

import static dev.spandrel.engine.grammar.Expression.any;
import static dev.spandrel.engine.grammar.Expression.sequence;
import static dev.spandrel.engine.grammar.Expression.text;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Keys of an object that are none of some names, written without escapes: an escape could spell a name in another way. The
 * names form a tree, which a key leaves somewhere, or ends in where no name ends.
 */
final class OtherKeys {
    private OtherKeys() {}

    /** A quoted key. */
    static Expression than(Set<String> names) {
        return sequence(text("\""), rest(names, 0), text("\""));
    }

    /** What may follow a beginning of so many characters that all these names share. */
    private static Expression rest(Set<String> names, int length) {
        List<Expression> alternatives = new ArrayList<>();
        if (names.stream().noneMatch(name -> codePoints(name) == length)) {
            alternatives.add(Expression.EMPTY);
        }
        TreeMap<Integer, Set<String>> byNext = new TreeMap<>(names.stream()
                .filter(name -> codePoints(name) > length)
                .collect(Collectors.groupingBy(
                        name -> name.codePointAt(name.offsetByCodePoints(0, length)), Collectors.toSet())));
        CodePoints others = CharacterEncoding.UNESCAPED;
        for (var entry : byNext.entrySet()) {
            CodePoints next = CodePoints.of(entry.getKey());
            others = others.and(next.not());
            if (CharacterEncoding.UNESCAPED.contains(entry.getKey())) {
                alternatives.add(sequence(Utf8Ranges.of(next), rest(entry.getValue(), length + 1)));
            }
        }
        Expression plain = Utf8Ranges.of(CharacterEncoding.UNESCAPED);
        alternatives.add(sequence(Utf8Ranges.of(others), any(plain)));
        return new Expression.Choice(alternatives);
    }

    private static int codePoints(String name) {
        return name.codePointCount(0, name.length());
    }
}
