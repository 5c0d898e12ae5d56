package dev.spandrel.engine;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One turn of a conversation.
 *
 * @param role as the chat template knows it: {@code system}, {@code user}, {@code assistant}, {@code tool}, …
 * @param content plain text, its parts joined where it came in parts
 * @param parts the same in parts, each with {@code type} and {@code text}, for templates that want them; empty where it came as
 *     one text
 * @param more what else the template may look at, by name, e.g. {@code tool_calls} or {@code tool_call_id}; an entry
 *     {@code content} replaces the text in the template's eyes
 */
public record ChatMessage(String role, String content, List<Map<String, Object>> parts, Map<String, Object> more) {
    public ChatMessage {
        Objects.requireNonNull(role, "role");
        Objects.requireNonNull(content, "content");
        parts = List.copyOf(parts);
        // Not Map.copyOf: the template may want to see a null.
        more = new LinkedHashMap<>(more);
    }

    /** A turn whose content is one text. */
    public ChatMessage(String role, String content, Map<String, Object> more) {
        this(role, content, List.of(), more);
    }

    /** A turn of text alone. */
    public ChatMessage(String role, String content) {
        this(role, content, Map.of());
    }
}
