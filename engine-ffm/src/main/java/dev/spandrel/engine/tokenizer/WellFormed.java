package dev.spandrel.engine.tokenizer;

/** Text as UTF-8 can carry it. */
final class WellFormed {
    private WellFormed() {}

    /** The text with every unpaired surrogate replaced by U+FFFD; the same object where there is none. */
    static String text(String text) {
        int at = firstUnpaired(text, 0);
        if (at < 0) {
            return text;
        }
        StringBuilder fixed = new StringBuilder(text);
        for (; at >= 0; at = firstUnpaired(fixed, at + 1)) {
            fixed.setCharAt(at, '\ufffd');
        }
        return fixed.toString();
    }

    private static int firstUnpaired(CharSequence text, int from) {
        for (int i = from; i < text.length(); i++) {
            if (!Character.isSurrogate(text.charAt(i))) {
                continue;
            }
            boolean pair = i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1));
            if (!pair) {
                return i;
            }
            i++;
        }
        return -1;
    }
}
