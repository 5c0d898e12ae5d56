package dev.spandrel.server.openai;

import java.util.List;

/**
 * What is new in a message.
 *
 * @param content null where only calls are new
 */
record MessageDelta(String content, List<ToolCall> toolCalls) {
    MessageDelta {
        toolCalls = List.copyOf(toolCalls);
    }

    static MessageDelta text(String content) {
        return new MessageDelta(content, List.of());
    }

    boolean isEmpty() {
        return (content == null || content.isEmpty()) && toolCalls.isEmpty();
    }
}
