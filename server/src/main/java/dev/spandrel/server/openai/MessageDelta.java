package dev.spandrel.server.openai;

import java.util.ArrayList;
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

    /** Nothing new. */
    static final MessageDelta NOTHING = new MessageDelta(null, List.of());

    static MessageDelta text(String content) {
        return new MessageDelta(content, List.of());
    }

    /** This and what came behind it. */
    MessageDelta then(MessageDelta next) {
        List<ToolCall> calls = new ArrayList<>(toolCalls);
        calls.addAll(next.toolCalls);
        return new MessageDelta(
                content == null ? next.content : next.content == null ? content : content + next.content, calls);
    }

    boolean isEmpty() {
        return (content == null || content.isEmpty()) && toolCalls.isEmpty();
    }
}
