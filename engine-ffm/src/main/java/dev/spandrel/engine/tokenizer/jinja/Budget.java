package dev.spandrel.engine.tokenizer.jinja;

/**
 * What one rendering may use. A template is a program from outside: without these it could loop for ever or fill the
 * memory. Counting steps instead of time makes the same template fail at the same place everywhere.
 */
final class Budget {
    /** About a second; a conversation of a thousand turns takes a few hundred thousand. */
    static final long MAX_STEPS = 10_000_000;

    /** Longest text in characters, and longest list: an order of magnitude above any context window. */
    static final int MAX_SIZE = 8_000_000;

    /** Calls within calls, and lists within lists when written out. */
    static final int MAX_DEPTH = 32;

    private long steps;
    private int depth;

    /** Pays for one operation on something of a size. */
    void charge(long size) {
        if (size > MAX_SIZE) {
            throw new TemplateException("expected texts and lists of at most " + MAX_SIZE + ", found " + size);
        }
        steps += 1 + size / 16;
        if (steps > MAX_STEPS) {
            throw new TemplateException("expected at most " + MAX_STEPS + " steps, found more (an endless loop?)");
        }
    }

    void enter() {
        if (++depth > MAX_DEPTH) {
            throw new TemplateException("expected calls at most " + MAX_DEPTH + " deep, found more");
        }
    }

    void leave() {
        depth--;
    }
}
