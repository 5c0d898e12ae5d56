package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StopRules;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;

/**
 * The operator's values over the model's {@code generation_config.json} ({@code --override-generation-config}): defaults of
 * requests, but for {@code max_new_tokens}, which is their limit too.
 *
 * @param maxNewTokens output of requests that name none, and most output of those that do
 * @param stopTokenIds tokens that end an output beside the model's own ({@code eos_token_id})
 */
public record GenerationOverride(
        OptionalInt maxNewTokens,
        OptionalDouble temperature,
        OptionalDouble topP,
        OptionalInt topK,
        OptionalDouble minP,
        OptionalDouble repetitionPenalty,
        List<Integer> stopTokenIds) {
    /** Nothing is overridden. */
    public static final GenerationOverride NONE = new GenerationOverride(
            OptionalInt.empty(),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            OptionalInt.empty(),
            OptionalDouble.empty(),
            OptionalDouble.empty(),
            List.of());

    private static final Set<String> KEYS = new TreeSet<>(
            Set.of("max_new_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "eos_token_id"));

    public GenerationOverride {
        stopTokenIds = List.copyOf(stopTokenIds);
    }

    /**
     * The flag's value.
     *
     * @throws IllegalArgumentException naming the key, what was found and what is expected
     */
    public static GenerationOverride parse(String text) {
        JsonNode json = RequestDefaults.object(text);
        for (String key : json.propertyNames()) {
            if (!KEYS.contains(key)) {
                throw new IllegalArgumentException("expected keys among " + KEYS + ", found " + key);
            }
        }
        GenerationOverride override = new GenerationOverride(
                integer(json, "max_new_tokens"),
                number(json, "temperature"),
                number(json, "top_p"),
                integer(json, "top_k"),
                number(json, "min_p"),
                number(json, "repetition_penalty"),
                tokenIds(json.path("eos_token_id")));
        try {
            override.over(SamplingParams.DEFAULT);
        } catch (EngineException.InvalidRequest e) {
            // The engine speaks of the request's field.
            throw new IllegalArgumentException(e.getMessage().replace("max_tokens", "max_new_tokens"), e);
        }
        return override;
    }

    /**
     * Refuses tokens that the model does not have.
     *
     * @throws IllegalArgumentException naming the first
     */
    public void checkVocabulary(int vocabSize) {
        for (int id : stopTokenIds) {
            if (id >= vocabSize) {
                throw new IllegalArgumentException("--override-generation-config: eos_token_id: expected ids from 0 to "
                        + (vocabSize - 1) + ", found " + id);
            }
        }
    }

    /** What a request gets that says nothing. */
    SamplingParams over(SamplingParams model) {
        Penalties penalties = model.penalties();
        StopRules stop = model.stopRules();
        return model.toBuilder()
                .maxTokens(maxNewTokens.isPresent() ? maxNewTokens : model.maxTokens())
                .temperature(temperature.orElse(model.temperature()))
                .topP(topP.orElse(model.topP()))
                .topK(topK.orElse(model.topK()))
                .minP(minP.orElse(model.minP()))
                .penalties(new Penalties(
                        penalties.presence(), penalties.frequency(), repetitionPenalty.orElse(penalties.repetition())))
                .stopRules(new StopRules(
                        stop.strings(),
                        stopTokenIds.isEmpty() ? stop.tokenIds() : stopTokenIds,
                        stop.ignoreEos(),
                        stop.minTokens(),
                        stop.includeInOutput()))
                .build();
    }

    /** No more than the operator allows. */
    OptionalInt capped(OptionalInt maxTokens) {
        return maxTokens.isPresent() && maxNewTokens.isPresent()
                ? OptionalInt.of(Math.min(maxTokens.getAsInt(), maxNewTokens.getAsInt()))
                : maxTokens;
    }

    private static OptionalInt integer(JsonNode json, String key) {
        JsonNode value = json.path(key);
        if (value.isMissingNode()) {
            return OptionalInt.empty();
        }
        if (!value.isInt()) {
            throw new IllegalArgumentException(key + ": expected a whole number, found " + value);
        }
        return OptionalInt.of(value.intValue());
    }

    private static OptionalDouble number(JsonNode json, String key) {
        JsonNode value = json.path(key);
        if (value.isMissingNode()) {
            return OptionalDouble.empty();
        }
        if (!value.isNumber()) {
            throw new IllegalArgumentException(key + ": expected a number, found " + value);
        }
        return OptionalDouble.of(value.doubleValue());
    }

    private static List<Integer> tokenIds(JsonNode value) {
        if (value.isMissingNode()) {
            return List.of();
        }
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : value.isArray() ? value : List.of(value)) {
            if (!id.isInt() || id.intValue() < 0) {
                throw new IllegalArgumentException(
                        "eos_token_id: expected a token id or a list of them, found " + value);
            }
            ids.add(id.intValue());
        }
        return ids;
    }
}
