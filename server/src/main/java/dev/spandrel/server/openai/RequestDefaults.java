package dev.spandrel.server.openai;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What the operator says about requests: what they get that do not say otherwise, and how many choices they may ask for.
 *
 * @param chatTemplateKwargs variables of the chat template; a request's own go before them
 * @param generation values over the model's {@code generation_config.json}
 * @param maxN most choices per prompt
 * @param answers how they are answered
 */
public record RequestDefaults(
        Map<String, Object> chatTemplateKwargs, GenerationOverride generation, int maxN, AnswerDefaults answers) {
    /** vLLM's default of {@code VLLM_MAX_N_SEQUENCES}; beyond it a request is a mistake rather than a wish. */
    public static final int DEFAULT_MAX_N = 16384;

    /** The operator says nothing. */
    public static final RequestDefaults NONE =
            new RequestDefaults(Map.of(), GenerationOverride.NONE, DEFAULT_MAX_N, AnswerDefaults.NONE);

    public RequestDefaults {
        // Not Map.copyOf, which takes no null, a value that templates know.
        chatTemplateKwargs = Collections.unmodifiableMap(new LinkedHashMap<>(chatTemplateKwargs));
        if (maxN < 1) {
            throw new IllegalArgumentException("VLLM_MAX_N_SEQUENCES must be at least 1, found " + maxN);
        }
    }

    /**
     * A JSON object as the variables of a chat template.
     *
     * @throws IllegalArgumentException when the text is none
     */
    public static Map<String, Object> templateKwargs(String json) {
        Map<String, Object> variables = new LinkedHashMap<>();
        object(json).properties().forEach(entry -> variables.put(entry.getKey(), TemplateValues.of(entry.getValue())));
        return variables;
    }

    /** The JSON object that a text is. */
    static JsonNode object(String json) {
        JsonNode node;
        try {
            node = Json.parse(json.getBytes(StandardCharsets.UTF_8));
        } catch (JacksonException e) {
            throw new IllegalArgumentException(
                    "expected a JSON object, found no valid JSON: " + e.getOriginalMessage(), e);
        }
        if (!node.isObject()) {
            throw new IllegalArgumentException("expected a JSON object, found " + node);
        }
        return node;
    }
}
