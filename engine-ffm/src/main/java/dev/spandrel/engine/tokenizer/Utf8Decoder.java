package dev.spandrel.engine.tokenizer;

/**
 * UTF-8 in pieces. A sequence cut by the end of a piece waits for the next; what cannot become a character is replaced by
 * U+FFFD, once for each maximal part of an ill-formed sequence (Unicode 16, section 3.9, "U+FFFD Substitution of Maximal
 * Subparts"), as Python's {@code errors="replace"} does. The JDK's decoder replaces encoded surrogates differently.
 */
final class Utf8Decoder {
    private static final int REPLACEMENT = 0xfffd;

    private int codePoint;
    private int missing;
    private int lower;
    private int upper;

    /** Appends the characters that are certain now. */
    void append(byte[] bytes, StringBuilder out) {
        for (byte b : bytes) {
            append(b & 0xff, out);
        }
    }

    /** Ends the input: a sequence still waiting is replaced. */
    void finish(StringBuilder out) {
        if (missing > 0) {
            missing = 0;
            out.appendCodePoint(REPLACEMENT);
        }
    }

    private void append(int b, StringBuilder out) {
        if (missing > 0) {
            if (b >= lower && b <= upper) {
                next(b, out);
                return;
            }
            // The byte that breaks a sequence is not part of it.
            finish(out);
        }
        first(b, out);
    }

    private void next(int b, StringBuilder out) {
        codePoint = codePoint << 6 | b & 0x3f;
        lower = 0x80;
        upper = 0xbf;
        if (--missing == 0) {
            out.appendCodePoint(codePoint);
        }
    }

    /** Table 3-7 of the standard: which bytes may begin a sequence, and what may follow. */
    private void first(int b, StringBuilder out) {
        if (b < 0x80) {
            out.append((char) b);
        } else if (b >= 0xc2 && b <= 0xdf) {
            expect(1, b & 0x1f, 0x80, 0xbf);
        } else if (b >= 0xe0 && b <= 0xef) {
            expect(2, b & 0x0f, b == 0xe0 ? 0xa0 : 0x80, b == 0xed ? 0x9f : 0xbf);
        } else if (b >= 0xf0 && b <= 0xf4) {
            expect(3, b & 0x07, b == 0xf0 ? 0x90 : 0x80, b == 0xf4 ? 0x8f : 0xbf);
        } else {
            out.appendCodePoint(REPLACEMENT);
        }
    }

    private void expect(int more, int bits, int low, int high) {
        missing = more;
        codePoint = bits;
        lower = low;
        upper = high;
    }
}
