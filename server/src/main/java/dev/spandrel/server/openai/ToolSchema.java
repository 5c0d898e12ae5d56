package dev.spandrel.server.openai;

import dev.spandrel.engine.OutputConstraint;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The schemas of calls, made of those of the tools' arguments, which errors name by the request's fields. */
final class ToolSchema {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private ToolSchema() {}

    /** The arguments of one tool. */
    static OutputConstraint.JsonSchema argumentsOf(Tool tool, int index) {
        return new OutputConstraint.JsonSchema(tool.parameters().toString(), Map.of("#", field(index)));
    }

    private static String field(int index) {
        return "tools." + index + ".function.parameters";
    }

    /** One call after another, each of any of the tools. */
    static OutputConstraint.JsonSchema listOf(List<Tool> tools, boolean parallel) {
        Map<String, String> fields = new HashMap<>(Map.of("#", "tools"));
        ArrayNode calls = MAPPER.createArrayNode();
        for (int i = 0; i < tools.size(); i++) {
            String place = "#/items/anyOf/" + i + "/properties/parameters";
            fields.put(place, field(i));
            calls.add(call(tools.get(i), place));
        }
        ObjectNode list = MAPPER.createObjectNode().put("type", "array").put("minItems", 1);
        if (!parallel) {
            list.put("maxItems", 1);
        }
        list.putObject("items").set("anyOf", calls);
        return new OutputConstraint.JsonSchema(list.toString(), fields);
    }

    private static ObjectNode call(Tool tool, String place) {
        ObjectNode call = MAPPER.createObjectNode().put("type", "object");
        ObjectNode properties = call.putObject("properties");
        properties.putObject("name").put("const", tool.name());
        properties.set("parameters", moved(tool.parameters(), place));
        call.putArray("required").add("name").add("parameters");
        return call;
    }

    /** A schema whose references to itself still hit when it stands inside another. */
    private static JsonNode moved(JsonNode schema, String place) {
        if (schema.isArray()) {
            ArrayNode copy = MAPPER.createArrayNode();
            schema.forEach(item -> copy.add(moved(item, place)));
            return copy;
        }
        if (!schema.isObject()) {
            return schema;
        }
        ObjectNode copy = MAPPER.createObjectNode();
        schema.properties().forEach(entry -> {
            JsonNode value = entry.getValue();
            boolean reference = entry.getKey().equals("$ref")
                    && value.isString()
                    && value.stringValue().startsWith("#");
            if (reference) {
                copy.put("$ref", place + value.stringValue().substring(1));
            } else {
                copy.set(entry.getKey(), moved(value, place));
            }
        });
        return copy;
    }
}
