package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.model.ModelConfig;
import java.util.List;
import java.util.OptionalInt;

/**
 * What a model folder, or another in its place, says about generating: sampling values of {@code generation_config.json} over
 * the engine's own, its {@code max_new_tokens} as the output of requests that name none (which limits no other, as in vLLM),
 * and the tokens that end a sequence, from there or from {@code config.json}.
 */
record GenerationDefaults(SamplingParams sampling, int[] eosTokenIds) {
    /**
     * Reads both files.
     *
     * @param source which generation config, as {@link ModelConfig#generation(String)} takes it
     * @throws EngineException.ModelLoad when a value has the wrong type or is out of range
     */
    static GenerationDefaults read(ModelConfig config, String source) {
        ModelConfig generation = config.generation(source);
        int[] eos = endOfSequence(config, generation);
        try {
            SamplingParams sampling = SamplingParams.DEFAULT
                    .withTemperature(generation.number("temperature", SamplingParams.DEFAULT.temperature()))
                    .withTopP(generation.number("top_p", SamplingParams.DEFAULT.topP()))
                    .withTopK(generation.integer("top_k", -1, Integer.MAX_VALUE, SamplingParams.DEFAULT.topK()))
                    .toBuilder()
                    .minP(generation.number("min_p", 0))
                    .penalties(new Penalties(0, 0, generation.number("repetition_penalty", 1)))
                    .build();
            int most = generation.integer("max_new_tokens", 1, Integer.MAX_VALUE, 0);
            if (most > 0) {
                sampling = sampling.toBuilder().maxTokens(OptionalInt.of(most)).build();
            }
            generation.check();
            config.check();
            return new GenerationDefaults(sampling, eos);
        } catch (EngineException.InvalidRequest e) {
            throw new EngineException.ModelLoad(
                    generation.folder().toString(), "generation_config.json: " + e.getMessage());
        }
    }

    /**
     * Where the given word does not say it, the model's own counts: without an end no text would have one. The ends that a
     * GGUF file names are its vocabulary's, several for chat models, where its configuration has one.
     */
    private static int[] endOfSequence(ModelConfig config, ModelConfig generation) {
        ModelConfig own = config.generation();
        List<ModelConfig> places = config.isGguf() ? List.of(generation, own) : List.of(generation, config, own);
        return places.stream()
                .map(place -> place.integers("eos_token_id"))
                .filter(eos -> eos.length > 0)
                .findFirst()
                .orElse(new int[0]);
    }

    /** Whether a token ends the sequence. */
    boolean endsSequence(int token) {
        for (int id : eosTokenIds) {
            if (id == token) {
                return true;
            }
        }
        return false;
    }
}
