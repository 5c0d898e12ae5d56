package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.model.ModelConfig;
import java.util.OptionalInt;

/**
 * What a model folder says about generating: sampling values of {@code generation_config.json} over the engine's own, its {@code
 * max_new_tokens} as the output of requests that name none (which limits no other, as in vLLM), and the tokens that end a sequence, from there or from {@code config.json}.
 */
record GenerationDefaults(SamplingParams sampling, int[] eosTokenIds) {
    /**
     * Reads both files.
     *
     * @throws EngineException.ModelLoad when a value has the wrong type or is out of range
     */
    static GenerationDefaults read(ModelConfig config) {
        ModelConfig generation = config.generation();
        int[] eos = generation.integers("eos_token_id");
        if (eos.length == 0) {
            eos = config.integers("eos_token_id");
        }
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
                    config.folder().toString(), "generation_config.json: " + e.getMessage());
        }
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
