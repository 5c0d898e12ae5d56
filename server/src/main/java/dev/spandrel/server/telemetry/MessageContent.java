package dev.spandrel.server.telemetry;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.server.openai.Content;
import dev.spandrel.server.openai.EndedGeneration;
import io.opentelemetry.api.trace.Span;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Prompts and answers as attributes, in the JSON of the GenAI conventions ({@code gen-ai-input-messages.json}); only where
 * {@code OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT} asks for it, and each text cut at the limit.
 */
final class MessageContent {
    private static final String CUT = "…";

    private MessageContent() {}

    static void set(Span span, Content content, EndedGeneration generation, TraceSettings settings) {
        ArrayNode input = JsonMapper.shared().createArrayNode();
        int left = settings.contentLimit();
        // The end of a conversation says most, so that is what is kept.
        List<ChatMessage> messages = content.input().reversed();
        for (int i = 0; i < messages.size() && left > 0; i++) {
            String text = cut(messages.get(i).content(), left);
            left -= text.length();
            input.insert(0, message(messages.get(i).role(), text));
        }
        span.setAttribute(SpanKeys.INPUT_MESSAGES, input.toString());
        ObjectNode answer = message("assistant", cut(content.output(), settings.contentLimit()));
        answer.put("finish_reason", generation.reason().name().toLowerCase(Locale.ROOT));
        span.setAttribute(
                SpanKeys.OUTPUT_MESSAGES,
                JsonMapper.shared().createArrayNode().add(answer).toString());
    }

    private static ObjectNode message(String role, String text) {
        ObjectNode message = JsonMapper.shared().createObjectNode().put("role", role);
        message.putArray("parts").addObject().put("type", "text").put("content", text);
        return message;
    }

    private static String cut(String text, int limit) {
        if (text.length() <= limit) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(limit - 1)) ? limit - 1 : limit;
        return text.substring(0, end) + CUT;
    }
}
