package dev.spandrel.engine.tokenizer.jinja;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A parsed chat template. Immutable, so any number of threads may render it; each rendering has its own budget of steps,
 * text and depth.
 */
public final class Template {
    /** Longest source in characters; the longest template in use has about 20,000. */
    public static final int MAX_SOURCE = 1_000_000;

    private final Statement body;
    private final Map<String, Object> functions;

    private final ContentUse content;

    private Template(Statement body, Map<String, Object> functions, ContentUse content) {
        this.body = body;
        this.functions = functions;
        this.content = content;
    }

    /**
     * @param now the local time of {@code strftime_now}
     * @throws TemplateException naming line, expected and found
     */
    public static Template parse(String source, Supplier<LocalDateTime> now) {
        if (source.length() > MAX_SOURCE) {
            throw new TemplateException(
                    "expected a template of at most " + MAX_SOURCE + " characters, found " + source.length());
        }
        List<Token> tokens = new Lexer(source).tokens();
        return new Template(Parser.parse(tokens), Globals.functions(now), ContentUse.of(tokens));
    }

    /** Whether it runs a loop over the content of a message, and so expects a list of parts. */
    public boolean takesParts() {
        return content.inParts();
    }

    /** Whether it asks of the content of a message if it is a string, and so knows what to do with one. */
    public boolean takesText() {
        return content.asText();
    }

    /**
     * Renders the template.
     *
     * @param variables by name: null, {@link Boolean}, {@link Long}, {@link Double}, {@link String}, and lists and
     *     {@link java.util.HashMap}s of them
     * @throws TemplateException when the template raises one, uses what is undefined, or goes over a limit
     */
    public String render(Map<String, Object> variables) {
        Scope globals = new Scope(new Budget());
        functions.forEach(globals::set);
        variables.forEach(globals::set);
        Output output = new Output(globals.budget());
        try {
            body.render(globals.child(), output);
        } catch (StackOverflowError e) {
            // Depth is bounded, but the caller's stack may be small; nothing outside this rendering has been touched.
            throw new TemplateException("expected a template that fits the stack, found one nested too deeply");
        }
        return output.toString();
    }
}
