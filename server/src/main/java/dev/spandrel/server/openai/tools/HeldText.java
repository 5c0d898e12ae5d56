package dev.spandrel.server.openai.tools;

/** Text in which a mark may begin at any place: what may still become it is held back. */
final class HeldText {
    private final String mark;
    private final StringBuilder held = new StringBuilder();

    HeldText(String mark) {
        this.mark = mark;
    }

    void append(String text) {
        held.append(text);
    }

    /** Text before the mark, or before what may become it; taken out. */
    String takeBeforeMark() {
        int at = held.indexOf(mark);
        int end = at >= 0 ? at : held.length() - partial();
        return take(end);
    }

    /** Whether the mark stands at the beginning now; it is taken out then. */
    boolean takeMark() {
        boolean found = held.length() >= mark.length() && held.indexOf(mark) == 0;
        if (found) {
            held.delete(0, mark.length());
        }
        return found;
    }

    /** Everything that is left. */
    String takeAll() {
        return take(held.length());
    }

    private String take(int end) {
        String text = held.substring(0, end);
        held.delete(0, end);
        return text;
    }

    /** Characters at the end that are a beginning of the mark. */
    private int partial() {
        for (int length = Math.min(mark.length() - 1, held.length()); length > 0; length--) {
            if (mark.startsWith(held.substring(held.length() - length))) {
                return length;
            }
        }
        return 0;
    }
}
