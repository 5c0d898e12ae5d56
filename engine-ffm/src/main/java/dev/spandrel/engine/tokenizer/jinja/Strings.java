package dev.spandrel.engine.tokenizer.jinja;

/** Python's idea of white space, and of characters as code points. */
final class Strings {
    private Strings() {}

    /** As {@code str.isspace()}. */
    static boolean isSpace(int c) {
        return switch (c) {
            case ' ', 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 -> true;
            default -> c >= '\t' && c <= '\r' || c >= 0x1c && c <= 0x1f || c >= 0x2000 && c <= 0x200a;
        };
    }

    static boolean isBlank(String text, int from) {
        return skipSpace(text, from) == text.length();
    }

    static int skipSpace(String text, int from) {
        int at = from;
        while (at < text.length() && isSpace(text.charAt(at))) {
            at++;
        }
        return at;
    }

    static String stripTrailing(String text) {
        int end = text.length();
        while (end > 0 && isSpace(text.charAt(end - 1))) {
            end--;
        }
        return text.substring(0, end);
    }

    static String strip(String text, String characters, boolean left, boolean right) {
        int start = 0;
        int end = text.length();
        while (left && start < end && strips(text.codePointAt(start), characters)) {
            start += Character.charCount(text.codePointAt(start));
        }
        while (right && end > start && strips(text.codePointBefore(end), characters)) {
            end -= Character.charCount(text.codePointBefore(end));
        }
        return text.substring(start, end);
    }

    private static boolean strips(int codePoint, String characters) {
        return characters == null ? isSpace(codePoint) : characters.indexOf(codePoint) >= 0;
    }

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /** As {@code str.title()}, or {@code str.capitalize()} when only the first word counts. */
    static String title(String text, boolean everyWord) {
        StringBuilder titled = new StringBuilder(text.length());
        boolean begins = true;
        for (int codePoint : text.codePoints().toArray()) {
            String one = Character.toString(codePoint);
            titled.append(begins ? one.toUpperCase(java.util.Locale.ROOT) : one.toLowerCase(java.util.Locale.ROOT));
            begins = everyWord && !Character.isLetter(codePoint);
        }
        return titled.toString();
    }
}
