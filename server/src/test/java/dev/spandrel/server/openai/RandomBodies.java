package dev.spandrel.server.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Bodies with known fields and any values: fitting, nearly fitting, absurd, and now and then not even JSON. */
public final class RandomBodies {
    private static final List<String> FIELDS = List.of(
            "model",
            "prompt",
            "messages",
            "max_tokens",
            "max_completion_tokens",
            "temperature",
            "top_p",
            "top_k",
            "seed",
            "n",
            "stop",
            "ignore_eos",
            "stream",
            "stream_options",
            "stream_interval",
            "echo",
            "logprobs",
            "logit_bias",
            "use_beam_search",
            "min_p",
            "tools",
            "response_format",
            "request_id",
            "priority",
            "user",
            "stop_token_ids",
            "min_tokens",
            "bad_words",
            "allowed_token_ids",
            "repetition_penalty",
            "presence_penalty",
            "frequency_penalty",
            "prompt_logprobs",
            "logprob_token_ids",
            "truncate_prompt_tokens",
            "skip_special_tokens",
            "return_token_ids",
            "include_stop_str_in_output",
            "length_penalty",
            "cache_salt",
            "tool_choice",
            "continue_final_message",
            "chat_template_kwargs",
            "reasoning_effort",
            "guided_regex",
            "guided_choice",
            "guided_json",
            "structured_outputs",
            "made_up");

    /** Of the bodies that are no completions. */
    private static final List<String> OTHERS = List.of(
            "input",
            "instructions",
            "max_output_tokens",
            "text",
            "truncation",
            "previous_response_id",
            "store",
            "include",
            "top_logprobs",
            "reasoning",
            "metadata",
            "encoding_format",
            "dimensions",
            "normalize",
            "tokens",
            "return_token_strs",
            "session_id",
            "vllm_xargs",
            "kv_transfer_params");

    /** Endpoints that take a body. */
    public static final List<String> PATHS = List.of(
            "/v1/completions",
            "/v1/chat/completions",
            "/v1/chat/completions/batch",
            "/v1/responses",
            "/v1/embeddings",
            "/tokenize",
            "/detokenize",
            "/invocations");

    private static final String[] TYPES = {"object", "string", "integer", "number", "boolean", "null", "array"};
    private static final String[] PATTERNS = {
        "a", "b*", "[a-z]+", ".", "(x|y)?", "\\\\d{1,3}", "$", "^", "(", ")", "{0}", "?", "é", "[^a]", "(?:|c)", "{2,}"
    };

    private RandomBodies() {}

    /** One for an endpoint. */
    public static String body(Random random, String path) {
        List<String> fields = new ArrayList<>();
        if (random.nextInt(4) > 0) {
            fields.add(asked(random, path));
        }
        boolean completion = path.endsWith("completions");
        int count = random.nextInt(4);
        for (int i = 0; i < count; i++) {
            List<String> names = completion || random.nextBoolean() ? FIELDS : OTHERS;
            String name = names.get(random.nextInt(names.size()));
            fields.add("\"" + name + "\":" + (random.nextBoolean() ? apt(name, random) : value(random, 3)));
        }
        String body = "{" + String.join(",", fields) + "}";
        // Now and then a byte goes missing.
        int cut = random.nextInt(body.length());
        return random.nextInt(20) == 0 ? body.substring(0, cut) + body.substring(cut + 1) : body;
    }

    /** What the endpoint cannot do without. */
    private static String asked(Random random, String path) {
        return switch (path) {
            case "/v1/chat/completions" -> "\"messages\":[" + message(random) + "]";
            case "/v1/chat/completions/batch" -> "\"messages\":[[" + message(random) + "],[" + message(random) + "]]";
            case "/v1/responses" -> "\"input\":" + (random.nextBoolean() ? "\"x\"" : "[" + message(random) + "]");
            case "/v1/embeddings" -> "\"input\":" + (random.nextBoolean() ? "\"x\"" : "[[1,2],[3]]");
            case "/detokenize" -> "\"tokens\":[1,2]";
            default -> "\"prompt\":\"x\"";
        };
    }

    private static String message(Random random) {
        String[] roles = {"user", "system", "developer", "assistant", "tool"};
        String[] types = {"text", "input_text", "refusal", "thinking", "image_url"};
        String type = types[random.nextInt(types.length)];
        String content = switch (random.nextInt(5)) {
            case 0 -> "[{\"type\":\"" + type + "\",\"" + type + "\":\"x\",\"text\":\"y\"},\"z\"]";
            case 1 -> value(random, 3);
            default -> "\"x\"";
        };
        return "{\"role\":\"" + roles[random.nextInt(roles.length)] + "\",\"content\":" + content + "}";
    }

    /** One that the field may well take. */
    private static String apt(String name, Random random) {
        return switch (name) {
            case "guided_regex" -> regex(random);
            case "guided_choice" -> random.nextBoolean() ? "[\"a\",\"ab\"]" : "[\"\",\"a\"]";
            case "guided_json" -> "{\"type\":\"" + TYPES[random.nextInt(TYPES.length)] + "\"}";
            case "structured_outputs" -> "{\"regex\":" + regex(random) + "}";
            case "response_format" -> random.nextBoolean() ? "{\"type\":\"json_object\"}" : "{\"type\":\"text\"}";
            case "temperature", "min_p", "top_p" -> String.valueOf(random.nextInt(5) / 4.0);
            case "stop", "bad_words" -> random.nextBoolean() ? "[\"a\",\" the\"]" : "\"e\"";
            case "allowed_token_ids", "stop_token_ids", "logprob_token_ids" ->
                "[" + random.nextInt(300) + "," + random.nextInt(300) + "]";
            case "logit_bias" -> "{\"" + random.nextInt(300) + "\":" + (random.nextInt(201) - 100) + "}";
            case "tools" -> "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}]";
            case "tool_choice" -> random.nextBoolean() ? "\"required\"" : "\"auto\"";
            case "stream_options" -> "{\"include_usage\":" + random.nextBoolean() + "}";
            case "session_id", "instructions" -> "\"x\"";
            case "vllm_xargs", "kv_transfer_params" -> random.nextBoolean() ? "{\"session_id\":\"x\"}" : "{}";
            case "truncation" -> random.nextBoolean() ? "\"auto\"" : "\"disabled\"";
            case "encoding_format" -> "\"base64\"";
            case "text" -> "{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"null\"}}}";
            case "use_beam_search", "echo", "stream", "ignore_eos", "return_token_ids", "skip_special_tokens" ->
                String.valueOf(random.nextBoolean());
            default -> String.valueOf(random.nextInt(6));
        };
    }

    private static String regex(Random random) {
        StringBuilder pattern = new StringBuilder("\"");
        for (int i = random.nextInt(5); i > 0; i--) {
            pattern.append(PATTERNS[random.nextInt(PATTERNS.length)]);
        }
        return pattern.append('"').toString();
    }

    private static String value(Random random, int depth) {
        return switch (random.nextInt(depth > 0 ? 14 : 11)) {
            case 0 -> "null";
            case 1 -> "true";
            case 2 -> "false";
            case 3 -> String.valueOf(random.nextInt(40) - 4);
            case 4 -> String.valueOf(random.nextLong());
            case 5 -> String.valueOf(random.nextDouble() * 3 - 0.5);
            case 6 -> "1e" + random.nextInt(500);
            case 7 -> "\"\"";
            case 8 -> "\"x y\"";
            case 9 -> "\"" + random.nextInt(9) + "\"";
            case 10 -> "-0.0";
            case 11 -> "[" + value(random, depth - 1) + "]";
            case 12 -> "[" + value(random, depth - 1) + "," + value(random, depth - 1) + "]";
            default -> "{\"type\":" + value(random, depth - 1) + ",\"role\":" + value(random, depth - 1) + "}";
        };
    }
}
