package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.Prompt;
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

    /** A prompt as messages. */
    static List<ChatMessage> input(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text(String text, var special) -> List.of(new ChatMessage("user", text));
            case Prompt.Chat(List<ChatMessage> messages, var options) -> messages;
            // What they mean only the tokenizer knows; the ids are as good a record.
            case Prompt.Tokens(List<Integer> ids) -> List.of(new ChatMessage("user", ids.toString()));
        };
    }

    public Content {
        input = List.copyOf(input);
    }
}
