package dev.spandrel.engine;

import java.util.Objects;

/**
 * One turn of a conversation.
 *
 * @param role as the chat template knows it: {@code system}, {@code user}, {@code assistant}, …
 * @param content plain text
 */
public record ChatMessage(String role, String content) {
    public ChatMessage {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
    }
}
