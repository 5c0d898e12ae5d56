package dev.spandrel.engine.tokenizer;

/**
 * GPT-2's split of text into words, which merges never cross. By hand what the regular expression
 * {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+} says, in one pass without
 * backtracking. Letters and numbers are those of the JDK's Unicode version (16.0 in JDK 25), white space is Unicode's
 * White_Space: the same classes, code point by code point, as Hugging Face's tokenizers 0.23.
 */
final class Gpt2Splitter {
    private enum Kind {
        LETTER,
        NUMBER,
        SPACE,
        OTHER
    }

    private static final int NUMBERS =
            1 << Character.DECIMAL_DIGIT_NUMBER | 1 << Character.LETTER_NUMBER | 1 << Character.OTHER_NUMBER;

    private Gpt2Splitter() {}

    /**
     * End of the word that starts at {@code from}.
     *
     * @param from less than {@code end}
     */
    static int wordEnd(String text, int from, int end) {
        int contraction = contraction(text, from, end);
        if (contraction > 0) {
            return from + contraction;
        }
        int start = text.charAt(from) == ' ' && from + 1 < end ? from + 1 : from;
        Kind kind = kind(text.codePointAt(start));
        return kind == Kind.SPACE ? spaceEnd(text, from, end) : runEnd(text, start, end, kind);
    }

    private static int contraction(String text, int from, int end) {
        if (text.charAt(from) != '\'' || from + 1 == end) {
            return 0;
        }
        char second = text.charAt(from + 1);
        if (second == 's' || second == 't' || second == 'm' || second == 'd') {
            return 2;
        }
        if (from + 2 == end) {
            return 0;
        }
        char third = text.charAt(from + 2);
        boolean three = (second == 'r' || second == 'v') && third == 'e' || second == 'l' && third == 'l';
        return three ? 3 : 0;
    }

    private static int runEnd(String text, int from, int end, Kind kind) {
        int at = from;
        while (at < end) {
            int codePoint = text.codePointAt(at);
            if (kind(codePoint) != kind) {
                break;
            }
            at += Character.charCount(codePoint);
        }
        return at;
    }

    /** White space leaves its last character to the word behind it, where there is one and it is not alone. */
    private static int spaceEnd(String text, int from, int end) {
        int at = runEnd(text, from, end, Kind.SPACE);
        return at == end || at == from + 1 ? at : at - 1;
    }

    private static Kind kind(int codePoint) {
        if (codePoint < 128) {
            return ascii(codePoint);
        }
        if (Character.isLetter(codePoint)) {
            return Kind.LETTER;
        }
        if ((NUMBERS >> Character.getType(codePoint) & 1) != 0) {
            return Kind.NUMBER;
        }
        return isWhiteSpace(codePoint) ? Kind.SPACE : Kind.OTHER;
    }

    private static Kind ascii(int c) {
        if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
            return Kind.LETTER;
        }
        if (c >= '0' && c <= '9') {
            return Kind.NUMBER;
        }
        return isWhiteSpace(c) ? Kind.SPACE : Kind.OTHER;
    }

    /** Unicode's White_Space property; all of it lies in the first plane. Java's own methods leave some out. */
    static boolean isWhiteSpace(int c) {
        return switch (c) {
            case '\t', '\n', 0x0b, '\f', '\r', ' ', 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 -> true;
            default -> c >= 0x2000 && c <= 0x200a;
        };
    }
}
