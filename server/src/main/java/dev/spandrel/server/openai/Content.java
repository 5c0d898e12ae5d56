package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import java.util.List;

/**
 * What was said, kept only where a listener wants it.
 *
 * @param input the prompt; a completion's is one message of the user
 * @param output the choice's text as far as it was generated
 */
public record Content(List<ChatMessage> input, String output) {
    /** Characters of an answer that are kept. */
    static final int LIMIT = 128 * 1024;

    public Content {
        input = List.copyOf(input);
    }
}
