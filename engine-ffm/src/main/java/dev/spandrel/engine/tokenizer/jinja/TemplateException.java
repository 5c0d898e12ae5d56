package dev.spandrel.engine.tokenizer.jinja;

/** A template that cannot be read, fails while rendering, goes over a limit, or refuses its input by itself. */
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final boolean located;

    TemplateException(String message) {
        this(message, false);
    }

    private TemplateException(String message, boolean located) {
        // No stack trace: a template that refuses its input is nothing unusual.
        super(message, null, false, false);
        this.located = located;
    }

    /** What {@code raise_exception} throws: the template's own words, without a line number. */
    static TemplateException raised(String message) {
        return new TemplateException(message, true);
    }

    /** The same with the template's line in front, unless it has one. */
    TemplateException at(int line) {
        return located ? this : new TemplateException("line " + line + " of the template: " + getMessage(), true);
    }
}
