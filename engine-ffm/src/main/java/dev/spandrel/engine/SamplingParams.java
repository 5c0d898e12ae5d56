package dev.spandrel.engine;

import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How to choose tokens and when to stop. Values outside their range are refused here, by name, in the words of the
 * OpenAI API, so a record that exists is one the sampler can run.
 *
 * @param maxTokens most tokens to generate; empty = as many as the context allows
 * @param temperature 0 = greedy; up to 2
 * @param topP nucleus: smallest set of tokens with this probability, (0, 1]
 * @param topK most likely tokens kept; 0 or −1 = all
 * @param seed makes the same request give the same tokens
 * @param stop texts that end the output; not part of it
 * @param ignoreEos goes on after an end-of-sequence token
 */
public record SamplingParams(
        OptionalInt maxTokens,
        double temperature,
        double topP,
        int topK,
        OptionalLong seed,
        List<String> stop,
        boolean ignoreEos) {

    /** Most stop texts in one request, as with OpenAI and vLLM. */
    public static final int MAX_STOP_STRINGS = 4;

    /** Plain sampling at temperature 1. */
    public static final SamplingParams DEFAULT =
            new SamplingParams(OptionalInt.empty(), 1.0, 1.0, 0, OptionalLong.empty(), List.of(), false);

    public SamplingParams {
        if (maxTokens.isPresent() && maxTokens.getAsInt() < 1) {
            throw invalid("max_tokens", "max_tokens must be at least 1", maxTokens.getAsInt());
        }
        if (!(temperature >= 0 && temperature <= 2)) {
            throw invalid("temperature", "temperature must be between 0 and 2", temperature);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw invalid("top_p", "top_p must be greater than 0 and at most 1", topP);
        }
        if (topK < -1) {
            throw invalid("top_k", "top_k must be -1 or 0 (off), or at least 1", topK);
        }
        stop = List.copyOf(stop);
        if (stop.size() > MAX_STOP_STRINGS) {
            throw invalid("stop", "stop takes at most " + MAX_STOP_STRINGS + " strings", stop.size());
        }
        if (stop.contains("")) {
            throw invalid("stop", "stop must not hold an empty string", stop);
        }
    }

    /** True when every token is the most likely one. */
    public boolean greedy() {
        return temperature == 0;
    }

    public SamplingParams withMaxTokens(int value) {
        return new SamplingParams(OptionalInt.of(value), temperature, topP, topK, seed, stop, ignoreEos);
    }

    public SamplingParams withTemperature(double value) {
        return new SamplingParams(maxTokens, value, topP, topK, seed, stop, ignoreEos);
    }

    public SamplingParams withTopP(double value) {
        return new SamplingParams(maxTokens, temperature, value, topK, seed, stop, ignoreEos);
    }

    public SamplingParams withTopK(int value) {
        return new SamplingParams(maxTokens, temperature, topP, value, seed, stop, ignoreEos);
    }

    public SamplingParams withSeed(long value) {
        return new SamplingParams(maxTokens, temperature, topP, topK, OptionalLong.of(value), stop, ignoreEos);
    }

    public SamplingParams withStop(List<String> value) {
        return new SamplingParams(maxTokens, temperature, topP, topK, seed, value, ignoreEos);
    }

    public SamplingParams withIgnoreEos(boolean value) {
        return new SamplingParams(maxTokens, temperature, topP, topK, seed, stop, value);
    }

    private static EngineException.InvalidRequest invalid(String parameter, String rule, Object value) {
        return new EngineException.InvalidRequest(
                parameter, rule + ", got " + value + ". (parameter=" + parameter + ", value=" + value + ")");
    }
}
