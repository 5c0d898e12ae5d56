package dev.spandrel.server.openai;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** What messages hold beside their text, as chat templates look at it: earlier calls, and whose result a message is. */
final class ToolMessages {
    private ToolMessages() {}

    /** By name; empty for a message of text alone. */
    static Map<String, Object> more(RequestFields message) {
        Map<String, Object> more = new LinkedHashMap<>();
        message.string("name").ifPresent(name -> more.put("name", name));
        message.string("tool_call_id").ifPresent(id -> more.put("tool_call_id", id));
        message.string("reasoning").ifPresent(reasoning -> more.put("reasoning", reasoning));
        message.string("reasoning_content").ifPresent(reasoning -> more.put("reasoning_content", reasoning));
        JsonNode calls = message.get("tool_calls");
        if (calls != null && !calls.isArray()) {
            message.problem("tool_calls", "an array of calls", calls);
        } else if (calls != null && !calls.isEmpty()) {
            more.put("tool_calls", calls(message, calls));
            if (message.get("content") == null) {
                // Templates ask whether there is content; an empty text would be some.
                more.put("content", null);
            }
        }
        return more;
    }

    private static List<Object> calls(RequestFields message, JsonNode calls) {
        List<Object> read = new ArrayList<>(calls.size());
        for (JsonNode call : calls) {
            JsonNode function = call.path("function");
            if (!function.path("name").isString()) {
                message.problem("tool_calls." + read.size(), "a call with function.name and function.arguments", call);
                return read;
            }
            Map<String, Object> values = new LinkedHashMap<>();
            values.put("id", call.path("id").asString(""));
            values.put("type", "function");
            Map<String, Object> inner = new LinkedHashMap<>();
            inner.put("name", function.path("name").stringValue());
            inner.put("arguments", arguments(function.path("arguments")));
            values.put("function", inner);
            read.add(values);
        }
        return read;
    }

    private static Object arguments(JsonNode arguments) {
        return arguments.isString() ? arguments(arguments.stringValue()) : TemplateValues.of(arguments);
    }

    /** Templates expect an object where the API has its JSON text. */
    static Object arguments(String text) {
        try {
            return text.isBlank()
                    ? new LinkedHashMap<String, Object>()
                    : TemplateValues.of(Json.parse(text.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        } catch (JacksonException e) {
            return text;
        }
    }
}
