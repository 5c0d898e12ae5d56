package dev.spandrel.server.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * The {@code content} of a message: a text, or parts of which a text model reads those that have a text.
 *
 * @param text all of it
 * @param parts each with {@code type} text, {@code text} and what else the client put there; empty for a mere text
 */
record ChatContent(String text, List<Map<String, Object>> parts) {
    private static final ChatContent NONE = new ChatContent("", List.of());

    /** Types of parts, and where each has its text; as in vLLM the template sees all of them as texts. */
    private static final Map<String, String> TEXTS = Map.of(
            "text", "text",
            "input_text", "text",
            "output_text", "text",
            "refusal", "refusal",
            "thinking", "thinking");

    /**
     * Reads it; a missing one is empty.
     *
     * @throws OpenAiException 400, for parts without a text, such as images
     */
    static ChatContent read(RequestFields message) {
        JsonNode content = message.get("content");
        if (content == null) {
            return NONE;
        }
        if (content.isString()) {
            return new ChatContent(content.stringValue(), List.of());
        }
        if (!content.isArray()) {
            message.problem("content", "a string or an array of parts", content);
            return NONE;
        }
        List<Map<String, Object>> parts = new ArrayList<>(content.size());
        for (int i = 0; i < content.size(); i++) {
            parts.add(part(message, "content." + i, content.get(i)));
        }
        // vLLM's way of making one text of them: by line, without those that say nothing.
        return new ChatContent(
                parts.stream()
                        .map(part -> (String) part.get("text"))
                        .filter(text -> !text.isEmpty())
                        .collect(Collectors.joining("\n")),
                parts);
    }

    private static Map<String, Object> part(RequestFields message, String name, JsonNode part) {
        Map<String, Object> read = new LinkedHashMap<>();
        read.put("type", "text");
        read.put("text", "");
        if (part.isString()) {
            read.put("text", part.stringValue());
        } else if (part.isObject()) {
            read.put("text", text(message.nested(name, part)));
            part.properties().stream()
                    .filter(field -> !field.getKey().equals("type") && !TEXTS.containsValue(field.getKey()))
                    .forEach(field -> read.put(field.getKey(), TemplateValues.of(field.getValue())));
        } else {
            message.problem(name, "a content part", part);
        }
        return read;
    }

    private static String text(RequestFields part) {
        String type = part.string("type").orElse("text");
        String field = TEXTS.get(type);
        if (field == null) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "messages", "This model reads text only; a content part has type `" + type + "`."));
        }
        if (part.get(field) == null) {
            part.missing(field);
        }
        return part.string(field).orElse("");
    }
}
