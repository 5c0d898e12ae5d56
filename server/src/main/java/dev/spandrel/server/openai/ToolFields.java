package dev.spandrel.server.openai;

import dev.spandrel.server.openai.ToolChoice.Mode;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code tools}, {@code tool_choice} and {@code parallel_tool_calls}. */
final class ToolFields {
    private static final int MAX_TOOLS = 512;
    private static final JsonNode NO_PARAMETERS = JsonMapper.builder()
            .build()
            .readTree("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}");

    private final RequestFields fields;
    private final Optional<ToolCallFamily> family;

    private ToolFields(RequestFields fields, Optional<ToolCallFamily> family) {
        this.fields = fields;
        this.family = family;
    }

    /**
     * Reads them.
     *
     * @param family how the model writes calls, where that is known
     * @throws OpenAiException 400, when they do not go together, or the model's way of writing calls is not known
     */
    static ToolChoice read(RequestFields fields, Optional<ToolCallFamily> family) {
        return new ToolFields(fields, family).read();
    }

    private ToolChoice read() {
        List<Tool> tools = tools();
        fields.check();
        boolean parallel = fields.bool("parallel_tool_calls", true);
        JsonNode choice = fields.get("tool_choice");
        String word =
                choice == null ? tools.isEmpty() ? "none" : "auto" : choice.isString() ? choice.stringValue() : "";
        return switch (word) {
            case "none" -> new ToolChoice(tools, Mode.NONE, null, parallel, null);
            case "auto" -> new ToolChoice(needed(tools), Mode.AUTO, null, parallel, known());
            case "required" -> new ToolChoice(needed(tools), Mode.REQUIRED, null, parallel, null);
            default -> new ToolChoice(needed(tools), Mode.NAMED, name(choice, tools), parallel, null);
        };
    }

    private static List<Tool> needed(List<Tool> tools) {
        if (tools.isEmpty()) {
            throw new OpenAiException(
                    OpenAiError.badRequest("tool_choice", "tool_choice needs tools, and there are none."));
        }
        return tools;
    }

    private ToolCallFamily known() {
        return family.orElseThrow(() -> new OpenAiException(OpenAiError.badRequest(
                "tool_choice",
                "tool_choice `auto` needs to know how the model writes calls, which its chat template does not show;"
                        + " --tool-call-parser says it (" + ToolCallFamily.names() + ")."
                        + " `required` and a named tool work without.")));
    }

    /** {@code {"type": "function", "function": {"name": …}}}; the Responses API leaves the inner object out. */
    private static String name(JsonNode choice, List<Tool> tools) {
        JsonNode name = choice.path("function").path("name");
        if (name.isMissingNode()) {
            name = choice.path("name");
        }
        String wanted = name.isString() ? name.stringValue() : "";
        if (tools.stream().noneMatch(tool -> tool.name().equals(wanted))) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "tool_choice",
                    "tool_choice must be `none`, `auto`, `required` or name one of the tools, got " + choice + "."));
        }
        return wanted;
    }

    private List<Tool> tools() {
        JsonNode array = fields.get("tools");
        if (array == null) {
            return List.of();
        }
        if (!array.isArray() || array.size() > MAX_TOOLS) {
            fields.problem("tools", "an array of at most " + MAX_TOOLS + " tools", array);
            return List.of();
        }
        List<Tool> tools = new ArrayList<>(array.size());
        for (JsonNode tool : array) {
            String place = "tools." + tools.size();
            JsonNode function = tool.path("function").isObject() ? tool.path("function") : tool;
            if (!tool.path("type").asString("").equals("function")
                    || !function.path("name").isString()) {
                fields.problem(place, "{\"type\": \"function\", \"function\": {\"name\": …, \"parameters\": …}}", tool);
                return List.of();
            }
            JsonNode parameters = function.path("parameters");
            if (!parameters.isObject() && !parameters.isNull() && !parameters.isMissingNode()) {
                fields.problem(place + ".function.parameters", "a JSON schema, which is an object", parameters);
                return List.of();
            }
            tools.add(new Tool(
                    function.path("name").stringValue(),
                    tool,
                    parameters.isObject() && !parameters.isEmpty() ? parameters : NO_PARAMETERS));
        }
        return tools;
    }
}
