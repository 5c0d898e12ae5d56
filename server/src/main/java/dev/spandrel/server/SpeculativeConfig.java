package dev.spandrel.server;

import dev.spandrel.engine.NgramSpeculation;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The value of {@code --speculative-config}: vLLM's JSON, of whose methods there is {@code ngram}. */
final class SpeculativeConfig implements ITypeConverter<NgramSpeculation> {
    private static final Set<String> KEYS =
            Set.of("method", "num_speculative_tokens", "prompt_lookup_max", "prompt_lookup_min");
    /** vLLM's, where neither bound of the lookup is given. */
    private static final int DEFAULT_LOOKUP = 5;

    @Override
    public NgramSpeculation convert(String text) {
        try {
            JsonNode json = JsonMapper.shared().readTree(text);
            if (!json.isObject()) {
                throw new TypeConversionException("expected a JSON object, found " + text);
            }
            for (String key : json.propertyNames()) {
                if (!KEYS.contains(key)) {
                    throw new TypeConversionException(
                            "expected keys among " + new java.util.TreeSet<>(KEYS) + ", found " + key);
                }
            }
            if (!json.path("method").asString("ngram").equals("ngram")) {
                throw new TypeConversionException("method: expected ngram, found " + json.path("method"));
            }
            int max = number(json, "prompt_lookup_max", number(json, "prompt_lookup_min", DEFAULT_LOOKUP));
            int min = number(json, "prompt_lookup_min", max);
            return new NgramSpeculation(number(json, "num_speculative_tokens", -1), min, max);
        } catch (JacksonException e) {
            throw new TypeConversionException("not valid JSON: " + e.getOriginalMessage());
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }

    private static int number(JsonNode json, String key, int otherwise) {
        JsonNode node = json.path(key);
        if (node.isMissingNode()) {
            return otherwise;
        }
        if (!node.isInt()) {
            throw new TypeConversionException(key + ": expected a whole number, found " + node);
        }
        return node.intValue();
    }
}
