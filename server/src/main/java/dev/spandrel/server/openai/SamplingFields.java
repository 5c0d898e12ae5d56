package dev.spandrel.server.openai;

import dev.spandrel.engine.SamplingParams;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * The sampling fields both endpoints share, as the client gave them.
 *
 * @param n choices per prompt
 */
record SamplingFields(
        OptionalDouble temperature,
        OptionalDouble topP,
        OptionalInt topK,
        OptionalLong seed,
        List<String> stop,
        boolean ignoreEos,
        int n) {
    /** As in vLLM; beyond it a request is a mistake rather than a wish. */
    private static final int MAX_N = 16384;

    /** Below it the softmax of half-precision logits overflows; vLLM raises smaller temperatures to this too. */
    private static final double MIN_TEMPERATURE = 0.01;

    static SamplingFields read(RequestFields fields) {
        return new SamplingFields(
                fields.decimal("temperature"),
                fields.decimal("top_p"),
                fields.integer("top_k"),
                fields.longInteger("seed"),
                fields.strings("stop"),
                fields.bool("ignore_eos", false),
                fields.integer("n").orElse(1));
    }

    /**
     * The values in force: the request's over the model's.
     *
     * @param maxTokens resolved by the endpoint; empty = the rest of the context
     * @param beams a search gives n different choices at temperature 0 too
     * @throws dev.spandrel.engine.EngineException.InvalidRequest when a value is outside its range
     * @throws OpenAiException 400, when {@code n} does not fit
     */
    SamplingParams over(SamplingParams defaults, OptionalInt maxTokens, BeamFields beams) {
        SamplingParams sampling = new SamplingParams(
                maxTokens,
                raised(temperature.orElse(defaults.temperature())),
                topP.orElse(defaults.topP()),
                topK.orElse(defaults.topK()),
                seed.isPresent() ? seed : defaults.seed(),
                stop.isEmpty() ? defaults.stop() : stop,
                ignoreEos || defaults.ignoreEos());
        checkN(sampling, beams);
        return sampling;
    }

    private static double raised(double temperature) {
        return temperature > 0 && temperature < MIN_TEMPERATURE ? MIN_TEMPERATURE : temperature;
    }

    private void checkN(SamplingParams sampling, BeamFields beams) {
        if (n < 1 || n > MAX_N) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "n", "n must be between 1 and " + MAX_N + ", got " + n + ". (parameter=n, value=" + n + ")"));
        }
        if (n > 1 && sampling.greedy() && !beams.on()) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "n", "n must be 1 when using greedy sampling, got " + n + ". (parameter=n, value=" + n + ")"));
        }
    }
}
