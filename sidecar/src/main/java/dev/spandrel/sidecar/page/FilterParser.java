package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.page.TraceFilter.Condition;
import dev.spandrel.sidecar.page.TraceFilter.Term;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.DoublePredicate;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the text of the filter box; docs/trace-page.md describes it for people. */
final class FilterParser {
    static final int MAX_LENGTH = 1000;
    private static final int MAX_TERMS = 20;
    private static final int MAX_WILDCARDS = 4;

    /** A term: not blank outside double quotes. */
    private static final Pattern TERM = Pattern.compile("(?:[^\\s\"]|\"[^\"]*\"?)+");

    /** A key, an operator and what follows; the key holds no operator. */
    private static final Pattern OPERATION = Pattern.compile("([^:=<>!\"]+)(!=|>=|<=|:|=|>|<)(.*)", Pattern.DOTALL);

    private static final Pattern TIME = Pattern.compile("([0-9]*\\.?[0-9]+)(ns|us|µs|ms|s|m)?");
    private static final Set<String> KINDS = Set.of("request", "step", "start", "other");

    private FilterParser() {}

    /** The filter; blank text lets everything pass. */
    static TraceFilter parse(String text) throws InvalidFilterException {
        if (text.length() > MAX_LENGTH) {
            throw new InvalidFilterException(
                    "the filter has " + text.length() + " characters, at most " + MAX_LENGTH + " are read");
        }
        List<Term> terms = new ArrayList<>();
        Matcher term = TERM.matcher(text);
        while (term.find()) {
            terms.add(term(term.group()));
        }
        if (terms.size() > MAX_TERMS) {
            throw new InvalidFilterException(
                    "the filter has " + terms.size() + " terms, at most " + MAX_TERMS + " are read");
        }
        return new TraceFilter(terms);
    }

    private static Term term(String text) throws InvalidFilterException {
        boolean negated = text.length() > 1 && text.startsWith("-");
        String positive = negated ? text.substring(1) : text;
        Matcher operation = OPERATION.matcher(positive);
        if (!operation.matches()) {
            String plain = unquoted(positive);
            return new Term(negated, Conditions.anywhere(contains(plain), plain));
        }
        String value = unquoted(operation.group(3));
        if (value.isEmpty() && !operation.group(2).equals("=")) {
            throw new InvalidFilterException("\"" + text + "\" lacks a value");
        }
        boolean unequal = operation.group(2).equals("!=");
        return new Term(negated != unequal, condition(operation.group(1), operation.group(2), value));
    }

    private static Condition condition(String key, String operator, String value) throws InvalidFilterException {
        return switch (operator) {
            case ":" -> field(key, value);
            case "=", "!=" -> Conditions.attribute(key, equal(value));
            default ->
                key.equals("duration")
                        ? Conditions.duration(compare(operator, millis(value)))
                        : attributeNumber(key, operator, value);
        };
    }

    private static Condition field(String field, String value) throws InvalidFilterException {
        return switch (field) {
            case "service" -> Conditions.service(contains(value));
            case "name" -> Conditions.name(contains(value));
            case "status" -> Conditions.status(value);
            case "trace" -> Conditions.trace(value);
            case "kind" -> Conditions.kind(kind(value));
            default ->
                throw new InvalidFilterException("unknown field \"" + field
                        + "\"; there are service:, name:, status:, kind:, trace:; an attribute is written key=value");
        };
    }

    private static String kind(String value) throws InvalidFilterException {
        String kind = value.toLowerCase(Locale.ROOT);
        if (!KINDS.contains(kind)) {
            throw new InvalidFilterException("unknown kind \"" + value + "\"; expected request, step, start or other");
        }
        return kind;
    }

    private static Condition attributeNumber(String key, String operator, String value) throws InvalidFilterException {
        double limit;
        try {
            limit = Double.parseDouble(value);
        } catch (NumberFormatException e) {
            throw new InvalidFilterException("expected a number after " + key + operator + ", found \"" + value + "\"");
        }
        DoublePredicate comparison = compare(operator, limit);
        return Conditions.attribute(key, text -> {
            try {
                return comparison.test(Double.parseDouble(text));
            } catch (NumberFormatException e) {
                return false;
            }
        });
    }

    private static DoublePredicate compare(String operator, double limit) {
        return switch (operator) {
            case ">" -> value -> value > limit;
            case ">=" -> value -> value >= limit;
            case "<" -> value -> value < limit;
            default -> value -> value <= limit;
        };
    }

    private static double millis(String text) throws InvalidFilterException {
        Matcher time = TIME.matcher(text);
        if (!time.matches()) {
            throw new InvalidFilterException("expected a time such as 250ms or 1.5s, found \"" + text + "\"");
        }
        double number = Double.parseDouble(time.group(1));
        return number
                * switch (time.group(2) == null ? "ms" : time.group(2)) {
                    case "ns" -> 1e-6;
                    case "us", "µs" -> 1e-3;
                    case "s" -> 1e3;
                    case "m" -> 6e4;
                    default -> 1;
                };
    }

    private static String unquoted(String text) {
        return text.replace("\"", "");
    }

    private static Predicate<String> contains(String wanted) throws InvalidFilterException {
        requireFewWildcards(wanted);
        return glob("*" + wanted + "*")::matches;
    }

    private static Predicate<String> equal(String wanted) throws InvalidFilterException {
        requireFewWildcards(wanted);
        return wanted.contains("*") ? glob(wanted)::matches : wanted::equals;
    }

    /** Matches with {@code *} for any run of characters, case ignored. */
    private record Glob(Pattern pattern) {
        boolean matches(String text) {
            return pattern.matcher(text).matches();
        }
    }

    private static void requireFewWildcards(String text) throws InvalidFilterException {
        if (text.chars().filter(c -> c == '*').count() > MAX_WILDCARDS) {
            // each wildcard multiplies the time of a match
            throw new InvalidFilterException("\"" + text + "\" has more than " + MAX_WILDCARDS + " wildcards");
        }
    }

    private static Glob glob(String text) {
        StringBuilder regex = new StringBuilder();
        for (String part : text.split("\\*", -1)) {
            regex.append(regex.isEmpty() ? "" : ".*?").append(Pattern.quote(part));
        }
        return new Glob(
                Pattern.compile(regex.toString(), Pattern.DOTALL | Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE));
    }
}
