package dev.spandrel.server.openai;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * Fields that vLLM acts on and this server does not yet. Each is fine at the value that changes nothing, and refused by
 * name at any other: an answer that silently ignored it would be the wrong answer. Fields in no list are unknown to vLLM
 * too, and are ignored as there.
 */
final class UnsupportedFields {
    private static final Predicate<JsonNode> EMPTY = value -> (value.isArray() || value.isObject())
            ? value.isEmpty()
            : value.isString() && value.stringValue().isEmpty();
    private static final Predicate<JsonNode> NEVER = _ -> false;
    private static final Predicate<JsonNode> TEXT = format -> format.isObject()
            && format.path("type").isString()
            && format.path("type").stringValue().equals("text");
    private static final Map<String, Predicate<JsonNode>> COMMON = common();
    private static final Map<String, Predicate<JsonNode>> COMPLETIONS = completions();
    private static final Map<String, Predicate<JsonNode>> CHAT = chat();
    private static final Map<String, Predicate<JsonNode>> RESPONSES = responses();
    private static final Map<String, Predicate<JsonNode>> EMBEDDINGS = embeddings();
    private static final Map<String, Predicate<JsonNode>> BEAMS = beams();

    private UnsupportedFields() {}

    private static Predicate<JsonNode> bool(boolean neutral) {
        return value -> RequestFields.bool(value).equals(Optional.of(neutral));
    }

    private static Predicate<JsonNode> number(int neutral) {
        return value -> RequestFields.number(value)
                .filter(number -> number.doubleValue() == neutral)
                .isPresent();
    }

    private static Predicate<JsonNode> oneOf(String... neutral) {
        return value -> value.isString() && List.of(neutral).contains(value.stringValue());
    }

    /** Of the arguments that extensions of vLLM read only {@link SessionId} is read here. */
    private static boolean isSession(JsonNode arguments) {
        return arguments.isObject()
                && arguments
                        .propertyStream()
                        .allMatch(argument -> argument.getKey().equals("session_id"));
    }

    private static Map<String, Predicate<JsonNode>> common() {
        Map<String, Predicate<JsonNode>> fields = new LinkedHashMap<>();
        fields.put("return_token_offsets", bool(false));
        fields.put("kv_transfer_params", EMPTY);
        fields.put("ec_transfer_params", EMPTY);
        fields.put("vllm_xargs", UnsupportedFields::isSession);
        fields.put("repetition_detection", NEVER);
        fields.put("thinking_token_budget", NEVER);
        fields.put("routed_experts_prompt_start", NEVER);
        return fields;
    }

    private static Map<String, Predicate<JsonNode>> completions() {
        Map<String, Predicate<JsonNode>> fields = new LinkedHashMap<>(COMMON);
        fields.put("prompt_embeds", NEVER);
        return fields;
    }

    private static Map<String, Predicate<JsonNode>> chat() {
        Map<String, Predicate<JsonNode>> fields = new LinkedHashMap<>(COMMON);
        fields.put("chat_template", NEVER);
        fields.put("media_io_kwargs", EMPTY);
        fields.put("mm_processor_kwargs", EMPTY);
        fields.put("return_prompt_text", bool(false));
        return fields;
    }

    private static Map<String, Predicate<JsonNode>> responses() {
        Map<String, Predicate<JsonNode>> fields = new LinkedHashMap<>(CHAT);
        fields.put("prompt", NEVER);
        fields.put("previous_response", NEVER);
        fields.put("previous_input_messages", EMPTY);
        fields.put("enable_response_messages", bool(false));
        return fields;
    }

    private static Map<String, Predicate<JsonNode>> embeddings() {
        Map<String, Predicate<JsonNode>> fields = new LinkedHashMap<>(COMMON);
        fields.put("stream_interval", number(1));
        fields.put("priority", number(0));
        fields.put("mm_processor_kwargs", EMPTY);
        fields.put("embed_dtype", oneOf("float32"));
        fields.put("endianness", oneOf("native", "little"));
        return fields;
    }

    private static Map<String, Predicate<JsonNode>> beams() {
        Map<String, Predicate<JsonNode>> fields = new LinkedHashMap<>();
        fields.put("stop", EMPTY);
        fields.put("stop_token_ids", EMPTY);
        fields.put("min_tokens", number(0));
        fields.put("presence_penalty", number(0));
        fields.put("frequency_penalty", number(0));
        fields.put("repetition_penalty", number(1));
        fields.put("logit_bias", EMPTY);
        fields.put("allowed_token_ids", NEVER);
        fields.put("bad_words", EMPTY);
        fields.put("logprobs", bool(false));
        fields.put("logprob_token_ids", EMPTY);
        fields.put("prompt_logprobs", NEVER);
        fields.put("response_format", TEXT);
        fields.put("structured_outputs", EMPTY);
        fields.put("guided_json", NEVER);
        fields.put("guided_regex", NEVER);
        fields.put("guided_choice", NEVER);
        return fields;
    }

    /**
     * Refuses what does not go together with beam search.
     *
     * @throws OpenAiException 400, naming the first such field
     */
    static void checkBeams(RequestFields fields) {
        check(BEAMS, fields, " for beam search");
    }

    /**
     * Refuses what a completion cannot have yet.
     *
     * @throws OpenAiException 400, naming the first such field
     */
    static void checkCompletion(RequestFields fields) {
        check(COMPLETIONS, fields, "");
    }

    /**
     * Refuses what a chat completion cannot have yet.
     *
     * @throws OpenAiException 400, naming the first such field
     */
    static void checkChat(RequestFields fields) {
        check(CHAT, fields, "");
    }

    /**
     * Refuses what a response cannot have yet.
     *
     * @throws OpenAiException 400, naming the first such field
     */
    static void checkResponse(RequestFields fields) {
        check(RESPONSES, fields, "");
    }

    /**
     * Refuses what an embedding cannot have yet.
     *
     * @throws OpenAiException 400, naming the first such field
     */
    static void checkEmbedding(RequestFields fields) {
        check(EMBEDDINGS, fields, " for embeddings");
    }

    private static void check(Map<String, Predicate<JsonNode>> neutral, RequestFields fields, String where) {
        neutral.forEach((name, isNeutral) -> {
            JsonNode value = fields.get(name);
            if (value != null && !isNeutral.test(value)) {
                throw new OpenAiException(OpenAiError.unsupported(
                        name, "`" + name + "` is not supported by this server" + where + "; leave it out."));
            }
        });
    }
}
