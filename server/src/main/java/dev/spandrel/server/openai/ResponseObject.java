package dev.spandrel.server.openai;

import dev.spandrel.engine.FinishReason;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The response object of OpenAI's Responses API in each of its states. */
final class ResponseObject {
    /** The default of {@code truncation}. */
    static final String NO_TRUNCATION = "disabled";

    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final List<String> REPEATED =
            List.of("instructions", "max_output_tokens", "max_tool_calls", "previous_response_id", "prompt", "user");

    private final GenerationCall call;
    private final RequestFields fields;
    private final ServedModel model;
    private final TokenNames names;
    private final long createdSeconds;

    ResponseObject(GenerationCall call, RequestFields fields, ApiContext api) {
        this.call = call;
        this.fields = fields;
        this.model = api.model();
        this.names = new TokenNames(api.engine(), call.output().tokensAsIds());
        this.createdSeconds = api.clock().instant().getEpochSecond();
    }

    String id() {
        return call.format().responseId(call.id());
    }

    String messageId() {
        return "msg_" + call.id();
    }

    static String callItemId(ToolCall toolCall) {
        return "fc_" + toolCall.id();
    }

    ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /** Before and while it is generated. */
    ObjectNode unfinished(String status) {
        ObjectNode response = envelope(status);
        response.putNull("usage");
        return response;
    }

    /** When it is over. */
    ObjectNode finished(Choice choice) {
        boolean cut = choice.finished().reason() == FinishReason.LENGTH;
        String status =
                choice.finished().reason() == FinishReason.ABORT ? "cancelled" : cut ? "incomplete" : "completed";
        ObjectNode response = envelope(status);
        if (cut) {
            response.putObject("incomplete_details").put("reason", "max_output_tokens");
        }
        ArrayNode output = response.putArray("output");
        if (!choice.text().isEmpty() || choice.toolCalls().isEmpty()) {
            output.add(message(status(status), List.of(textPart(choice.text(), logprobs(choice, 0)))));
        }
        choice.toolCalls().forEach(toolCall -> output.add(call(toolCall, status(status))));
        ObjectNode usage = response.putObject("usage");
        int input = choice.generation().promptTokens();
        usage.put("input_tokens", input);
        usage.putObject("input_tokens_details")
                .put("cached_tokens", choice.generation().cachedTokens());
        usage.put("output_tokens", choice.tokens());
        usage.putObject("output_tokens_details").put("reasoning_tokens", 0);
        usage.put("total_tokens", input + choice.tokens());
        return response;
    }

    private static String status(String response) {
        return response.equals("completed") ? "completed" : "incomplete";
    }

    /** When it failed. */
    ObjectNode failed(OpenAiError error) {
        ObjectNode response = unfinished("failed");
        response.putObject("error").put("code", "server_error").put("message", error.message());
        return response;
    }

    private ObjectNode envelope(String status) {
        ObjectNode response = MAPPER.createObjectNode();
        response.put("id", id());
        response.put("object", "response");
        response.put("created_at", createdSeconds);
        response.put("status", status);
        response.put("background", fields.bool("background", false));
        response.putNull("error");
        response.putNull("incomplete_details");
        REPEATED.forEach(name -> response.set(name, orNull(name)));
        response.set("metadata", fields.get("metadata") == null ? MAPPER.createObjectNode() : fields.get("metadata"));
        response.put("model", model.name());
        response.putArray("output");
        response.put("parallel_tool_calls", call.tools().parallel());
        ObjectNode reasoning = response.putObject("reasoning");
        reasoning.set(
                "effort", fields.object("reasoning").map(r -> r.get("effort")).orElse(MAPPER.nullNode()));
        reasoning.putNull("summary");
        response.put("service_tier", "auto");
        response.put("store", fields.bool("store", true));
        response.put("temperature", call.sampling().temperature());
        response.set("text", fields.get("text") == null ? plainText() : fields.get("text"));
        response.set("tool_choice", fields.get("tool_choice") == null ? auto() : fields.get("tool_choice"));
        response.set("tools", fields.get("tools") == null ? MAPPER.createArrayNode() : fields.get("tools"));
        response.put("top_logprobs", call.sampling().logprobs().sampled().orElse(0));
        response.put("top_p", call.sampling().topP());
        response.put("truncation", fields.string("truncation").orElse(NO_TRUNCATION));
        return response;
    }

    private JsonNode orNull(String name) {
        JsonNode value = fields.get(name);
        return value == null ? MAPPER.nullNode() : value;
    }

    private static JsonNode plainText() {
        ObjectNode text = MAPPER.createObjectNode();
        text.putObject("format").put("type", "text");
        return text;
    }

    private static JsonNode auto() {
        return MAPPER.getNodeFactory().stringNode("auto");
    }

    ObjectNode message(String status, List<ObjectNode> parts) {
        ObjectNode message = MAPPER.createObjectNode();
        message.put("id", messageId())
                .put("type", "message")
                .put("role", "assistant")
                .put("status", status);
        message.putArray("content").addAll(parts);
        return message;
    }

    ObjectNode textPart(String text, ArrayNode logprobs) {
        ObjectNode part = MAPPER.createObjectNode().put("type", "output_text").put("text", text);
        part.putArray("annotations");
        part.set("logprobs", logprobs);
        return part;
    }

    ObjectNode call(ToolCall toolCall, String status) {
        return MAPPER.createObjectNode()
                .put("id", callItemId(toolCall))
                .put("type", "function_call")
                .put("status", status)
                .put("call_id", toolCall.id())
                .put("name", toolCall.name())
                .put("arguments", toolCall.arguments());
    }

    /** Log probabilities of the tokens from one on; empty where none were asked for. */
    ArrayNode logprobs(Choice choice, int from) {
        ArrayNode all = MAPPER.createArrayNode();
        if (!call.sampling().logprobs().ofOutput()) {
            return all;
        }
        for (int i = from; i < choice.tokens(); i++) {
            choice.generation().logprobs(i).ifPresent(entry -> {
                ObjectNode token = token(entry.chosen());
                ArrayNode top = token.putArray("top_logprobs");
                entry.top().forEach(other -> top.add(token(other)));
                all.add(token);
            });
        }
        return all;
    }

    private ObjectNode token(dev.spandrel.engine.TokenLogprobs.Entry entry) {
        ObjectNode token = MAPPER.createObjectNode()
                .put("token", names.name(entry.token()))
                .put("logprob", TokenNames.logprob(entry));
        ArrayNode bytes = token.putArray("bytes");
        for (byte b : names.text(entry.token()).bytes()) {
            bytes.add(b & 0xff);
        }
        return token;
    }

    static byte[] bytes(JsonNode json) {
        return MAPPER.writeValueAsBytes(json);
    }
}
