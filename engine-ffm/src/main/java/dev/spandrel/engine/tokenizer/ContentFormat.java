package dev.spandrel.engine.tokenizer;

import java.util.Locale;

/** How a chat template sees the content of messages; vLLM's {@code --chat-template-content-format}. */
public enum ContentFormat {
    /** As the template looks at it: {@link #OPENAI} where it runs a loop over a content, else {@link #STRING}. */
    AUTO,
    /** As one text. */
    STRING,
    /** As the list of its parts. */
    OPENAI;

    /** By vLLM's name, which is known to be one. */
    public static ContentFormat named(String name) {
        return valueOf(name.toUpperCase(Locale.ROOT));
    }
}
