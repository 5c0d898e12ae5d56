package dev.spandrel.engine.tokenizer.jinja;

import dev.spandrel.engine.tokenizer.jinja.Function.Arguments;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;

/** Python's methods of strings that chat templates use. */
final class StringMethods {
    private StringMethods() {}

    /** The method of that name bound to a string, or null. */
    static Function find(String text, String name) {
        return switch (name) {
            case "strip" -> a -> Strings.strip(text, characters(a), true, true);
            case "lstrip" -> a -> Strings.strip(text, characters(a), true, false);
            case "rstrip" -> a -> Strings.strip(text, characters(a), false, true);
            case "startswith" -> a -> any(text, a, String::startsWith);
            case "endswith" -> a -> any(text, a, String::endsWith);
            case "removeprefix" ->
                a -> text.startsWith(a.string(0, "prefix"))
                        ? text.substring(a.string(0, "prefix").length())
                        : text;
            case "removesuffix" ->
                a -> text.endsWith(a.string(0, "suffix"))
                        ? text.substring(
                                0, text.length() - a.string(0, "suffix").length())
                        : text;
            case "upper" -> a -> text.toUpperCase(Locale.ROOT);
            case "lower" -> a -> text.toLowerCase(Locale.ROOT);
            case "title" -> a -> Strings.title(text, true);
            case "capitalize" -> a -> Strings.title(text, false);
            case "split" -> a -> split(text, a, false);
            case "rsplit" -> a -> split(text, a, true);
            case "splitlines" -> a -> new ArrayList<Object>(text.lines().toList());
            case "replace" -> a -> replace(text, a, 0);
            case "join" -> a -> join(text, a.get(0, "items"), a.budget());
            default -> search(text, name);
        };
    }

    private static Function search(String text, String name) {
        return switch (name) {
            case "find" -> a -> position(text, text.indexOf(a.string(0, "sub")));
            case "rfind" -> a -> position(text, text.lastIndexOf(a.string(0, "sub")));
            case "index" ->
                a -> {
                    if (!text.contains(a.string(0, "sub"))) {
                        throw new TemplateException("expected a string that contains " + a.string(0, "sub"));
                    }
                    return position(text, text.indexOf(a.string(0, "sub")));
                };
            case "count" -> a -> count(text, a.string(0, "sub"));
            case "isdigit", "isdecimal", "isnumeric" -> a -> all(text, Character::isDigit);
            case "isalpha" -> a -> all(text, Character::isLetter);
            case "isalnum" -> a -> all(text, Character::isLetterOrDigit);
            case "isspace" -> a -> all(text, Strings::isSpace);
            case "isupper" ->
                a -> !text.equals(text.toLowerCase(Locale.ROOT)) && text.equals(text.toUpperCase(Locale.ROOT));
            case "islower" ->
                a -> !text.equals(text.toUpperCase(Locale.ROOT)) && text.equals(text.toLowerCase(Locale.ROOT));
            default -> null;
        };
    }

    private static boolean all(String text, IntPredicate predicate) {
        return !text.isEmpty() && text.codePoints().allMatch(predicate);
    }

    private static String characters(Arguments arguments) {
        Object characters = arguments.get(0, "chars", null);
        return characters == null ? null : Values.string(characters);
    }

    private static boolean any(String text, Arguments arguments, BiPredicate<String, String> test) {
        Object wanted = arguments.get(0, "prefix");
        return wanted instanceof List<?> several
                ? several.stream().anyMatch(each -> test.test(text, Values.string(each)))
                : test.test(text, Values.string(wanted));
    }

    private static long position(String text, int index) {
        return index < 0 ? index : text.codePointCount(0, index);
    }

    private static long count(String text, String wanted) {
        if (wanted.isEmpty()) {
            return Strings.length(text) + 1L;
        }
        return (text.length() - text.replace(wanted, "").length()) / wanted.length();
    }

    /** Also the filter of that name, whose text comes first. */
    static String replace(String text, Arguments arguments, int first) {
        String old = arguments.string(first, "old");
        String by = arguments.string(first + 1, "new");
        long most = arguments.integer(first + 2, "count", -1);
        StringBuilder out = new StringBuilder();
        int copied = 0;
        for (int at = text.indexOf(notEmpty(old)); at >= 0 && most-- != 0; at = text.indexOf(old, copied)) {
            out.append(text, copied, at).append(by);
            arguments.budget().charge(out.length() > Budget.MAX_SIZE ? out.length() : by.length());
            copied = at + old.length();
        }
        return out.append(text, copied, text.length()).toString();
    }

    static String join(String separator, Object items, Budget budget) {
        StringBuilder out = new StringBuilder();
        boolean first = true;
        for (Object item : Values.iterate(items)) {
            out.append(first ? "" : separator).append(Text.of(item, budget));
            budget.charge(out.length() > Budget.MAX_SIZE ? out.length() : 0);
            first = false;
        }
        return out.toString();
    }

    private static List<Object> split(String text, Arguments arguments, boolean fromRight) {
        Object separator = arguments.get(0, "sep", null);
        long most = arguments.integer(1, "maxsplit", -1);
        List<Object> parts = separator == null
                ? new ArrayList<>(words(text))
                : new ArrayList<>(pieces(text, Values.string(separator)));
        if (most < 0 || parts.size() - 1 <= most) {
            return parts;
        }
        if (separator == null) {
            throw new TemplateException("expected a separator beside maxsplit, found none");
        }
        int keep = (int) most;
        List<Object> cut = new ArrayList<>();
        if (fromRight) {
            cut.add(join(Values.string(separator), parts.subList(0, parts.size() - keep), arguments.budget()));
            cut.addAll(parts.subList(parts.size() - keep, parts.size()));
        } else {
            cut.addAll(parts.subList(0, keep));
            cut.add(join(Values.string(separator), parts.subList(keep, parts.size()), arguments.budget()));
        }
        return cut;
    }

    private static String notEmpty(String wanted) {
        if (wanted.isEmpty()) {
            throw new TemplateException("expected a text to look for, found an empty one");
        }
        return wanted;
    }

    private static List<String> pieces(String text, String separator) {
        List<String> pieces = new ArrayList<>();
        int from = 0;
        for (int at = text.indexOf(notEmpty(separator)); at >= 0; at = text.indexOf(separator, from)) {
            pieces.add(text.substring(from, at));
            from = at + separator.length();
        }
        pieces.add(text.substring(from));
        return pieces;
    }

    static List<String> words(String text) {
        List<String> words = new ArrayList<>();
        for (int from = Strings.skipSpace(text, 0); from < text.length(); ) {
            int end = from;
            while (end < text.length() && !Strings.isSpace(text.charAt(end))) {
                end++;
            }
            words.add(text.substring(from, end));
            from = Strings.skipSpace(text, end);
        }
        return words;
    }
}
