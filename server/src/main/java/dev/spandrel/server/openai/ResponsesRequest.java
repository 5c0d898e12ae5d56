package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The body of {@code POST /v1/responses}, read as the chat that it is: items become messages, and the fields that OpenAI named
 * anew become those of chat completions, so both endpoints mean the same by the same wish.
 */
final class ResponsesRequest {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final List<String> SAME = List.of(
            "model",
            "temperature",
            "top_p",
            "stream",
            "stream_interval",
            "parallel_tool_calls",
            "seed",
            "stop",
            "priority",
            "top_k",
            "min_p",
            "request_id",
            "cache_salt",
            "repetition_penalty",
            "presence_penalty",
            "frequency_penalty",
            "min_tokens",
            "ignore_eos",
            "chat_template_kwargs",
            "stop_token_ids",
            "logit_bias",
            "skip_special_tokens",
            "include_stop_str_in_output",
            "structured_outputs");

    private final RequestFields fields;
    private final List<ChatMessage> before;
    private final ObjectNode chat = MAPPER.createObjectNode();
    /** Where each message came from. */
    private final List<String> origins = new ArrayList<>();

    private ResponsesRequest(RequestFields fields, List<ChatMessage> before) {
        this.fields = fields;
        this.before = before;
    }

    /**
     * The call.
     *
     * @param store where {@code previous_response_id} is looked up
     * @throws OpenAiException naming what is wrong
     */
    static GenerationCall read(RequestFields fields, RequestIds ids, ApiContext api, ResponseStore store) {
        List<ChatMessage> before = fields.string("previous_response_id")
                .map(id -> store.get(id)
                        .orElseThrow(() -> new OpenAiException(OpenAiError.responseNotFound(id)))
                        .conversation())
                .orElse(List.of());
        ResponsesRequest request = new ResponsesRequest(fields, before);
        JsonNode chat = request.chat();
        try {
            return ChatCompletionRequest.read(
                    RequestFields.of(chat), before, ids, api.model(), api.engine(), ChatFormat.responses());
        } catch (RuntimeException e) {
            throw new ResponsesWords(request.origins).translate(e);
        }
    }

    private JsonNode chat() {
        for (String name : SAME) {
            JsonNode value = fields.get(name);
            if (value != null) {
                chat.set(name, value);
            }
        }
        ArrayNode messages = chat.putArray("messages");
        fields.string("instructions").ifPresent(text -> message(messages, "instructions", "system", text));
        input(messages);
        JsonNode most = fields.get("max_output_tokens");
        if (most != null) {
            chat.set("max_completion_tokens", most);
        }
        // Read for its type only: answers repeat it.
        fields.object("metadata");
        fields.object("reasoning")
                .flatMap(reasoning -> reasoning.string("effort"))
                .ifPresent(effort -> chat.put("reasoning_effort", effort));
        truncation();
        format();
        tools();
        logprobs();
        if (fields.bool("stream", false) && fields.bool("background", false)) {
            throw new OpenAiException(OpenAiError.unsupported(
                    "background", "`background` together with `stream` is not supported by this server."));
        }
        fields.check();
        UnsupportedFields.checkResponse(fields);
        return chat;
    }

    /** As in vLLM, {@code auto} keeps the end of what does not fit. */
    private void truncation() {
        String wish = fields.string("truncation").orElse(ResponseObject.NO_TRUNCATION);
        if (wish.equals("auto")) {
            chat.put("truncate_prompt_tokens", -1);
        } else if (!wish.equals(ResponseObject.NO_TRUNCATION)) {
            fields.problem("truncation", "auto or disabled", fields.get("truncation"));
        }
    }

    private void message(ArrayNode messages, String origin, String role, String text) {
        add(messages, origin).put("role", role).put("content", text);
    }

    private ObjectNode add(ArrayNode messages, String origin) {
        origins.add(origin);
        return messages.addObject();
    }

    private void input(ArrayNode messages) {
        JsonNode input = fields.get("input");
        if (input == null) {
            fields.missing("input");
        } else if (input.isString()) {
            message(messages, "input", "user", input.stringValue());
        } else if (input.isArray() && (!input.isEmpty() || !before.isEmpty())) {
            for (int i = 0; i < input.size(); i++) {
                item(messages, "input." + i, input.get(i));
            }
        } else {
            fields.problem("input", "a text or an array of items that is not empty", input);
        }
    }

    private void item(ArrayNode messages, String name, JsonNode item) {
        switch (item.path("type").asString("message")) {
            case "message" -> {
                ObjectNode message = add(messages, name);
                message.put("role", item.path("role").asString("user"));
                message.set("content", content(name, item.path("content")));
            }
            case "function_call" -> {
                ObjectNode call = add(messages, name)
                        .put("role", "assistant")
                        .putArray("tool_calls")
                        .addObject();
                call.put("id", item.path("call_id").asString("")).put("type", "function");
                call.putObject("function")
                        .put("name", item.path("name").asString(""))
                        .put("arguments", item.path("arguments").asString("{}"));
            }
            case "function_call_output" ->
                add(messages, name)
                        .put("role", "tool")
                        .put("tool_call_id", item.path("call_id").asString(""))
                        .put(
                                "content",
                                item.path("output").isString()
                                        ? item.path("output").stringValue()
                                        : item.path("output").toString());
            // What a model thought is not shown to it again, as its templates do.
            case "reasoning" -> {}
            default -> fields.problem(name, "a message, function_call or function_call_output", item.path("type"));
        }
    }

    private JsonNode content(String name, JsonNode content) {
        if (!content.isArray()) {
            return content;
        }
        ArrayNode parts = MAPPER.createArrayNode();
        for (JsonNode part : content) {
            if (part.path("type").asString("").endsWith("text")) {
                parts.addObject().put("type", "text").set("text", part.path("text"));
            } else {
                fields.problem(name + ".content", "parts of type input_text or output_text", part.path("type"));
            }
        }
        return parts;
    }

    private void format() {
        Optional<JsonNode> format = fields.object("text").map(text -> text.get("format"));
        format.ifPresent(value -> {
            ObjectNode copy = chat.putObject("response_format");
            copy.set("type", value.path("type"));
            if (value.has("schema")) {
                copy.putObject("json_schema").set("schema", value.path("schema"));
            }
        });
    }

    private void tools() {
        JsonNode tools = fields.get("tools");
        if (tools != null && tools.isArray()) {
            ArrayNode nested = chat.putArray("tools");
            for (JsonNode tool : tools) {
                ObjectNode function = nested.addObject();
                function.set("type", tool.path("type"));
                ObjectNode inner = function.putObject("function");
                tool.properties().forEach(entry -> {
                    if (!entry.getKey().equals("type") && !entry.getKey().equals("strict")) {
                        inner.set(entry.getKey(), entry.getValue());
                    }
                });
            }
        }
        JsonNode choice = fields.get("tool_choice");
        boolean some = tools != null && tools.isArray() && !tools.isEmpty();
        if (choice != null && (some || !choice.asString("").equals("auto"))) {
            chat.set("tool_choice", choice);
        }
    }

    private void logprobs() {
        int top = fields.integer("top_logprobs").orElse(0);
        if (top > 0 || fields.strings("include").contains("message.output_text.logprobs")) {
            chat.put("logprobs", true).put("top_logprobs", top);
        }
    }
}
