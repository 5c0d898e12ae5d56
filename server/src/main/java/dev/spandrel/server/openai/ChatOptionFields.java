package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatOptions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** How the conversation becomes a prompt: {@code add_generation_prompt}, {@code chat_template_kwargs} and the like. */
final class ChatOptionFields {
    private ChatOptionFields() {}

    /**
     * Reads them.
     *
     * @param defaults variables of the template that the request's own go before
     * @param tools as the template is to see them
     * @throws OpenAiException 400, for a prompt both opened and continued, and for a template in the request
     */
    static ChatOptions read(RequestFields fields, Map<String, Object> defaults, List<Object> tools) {
        boolean open = fields.bool("add_generation_prompt", true);
        boolean resume = fields.bool("continue_final_message", false);
        if (open && resume) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "continue_final_message",
                    "continue_final_message and add_generation_prompt must not both be true."));
        }
        if (fields.get("chat_template") != null) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "chat_template", "This server does not run chat templates of requests; it uses the model's own."));
        }
        return new ChatOptions(
                open, resume, fields.bool("add_special_tokens", false), tools, variables(fields, defaults));
    }

    /** As in vLLM. */
    private static final List<String> EFFORTS = List.of("none", "minimal", "low", "medium", "high", "xhigh", "max");

    private static Map<String, Object> variables(RequestFields fields, Map<String, Object> defaults) {
        Map<String, Object> variables = new HashMap<>(defaults);
        fields.string("reasoning_effort").ifPresent(effort -> {
            if (!EFFORTS.contains(effort)) {
                fields.problem(
                        "reasoning_effort", "one of " + String.join(", ", EFFORTS), fields.get("reasoning_effort"));
            }
            variables.put("reasoning_effort", effort);
        });
        JsonNode documents = fields.get("documents");
        if (documents != null) {
            variables.put("documents", TemplateValues.of(documents));
        }
        JsonNode more = fields.get("chat_template_kwargs");
        if (more != null && !more.isObject()) {
            fields.problem("chat_template_kwargs", "an object", more);
        } else if (more != null) {
            more.properties().forEach(entry -> variables.put(entry.getKey(), TemplateValues.of(entry.getValue())));
        }
        return variables;
    }
}
