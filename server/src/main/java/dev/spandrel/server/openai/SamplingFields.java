package dev.spandrel.server.openai;

import dev.spandrel.engine.LogprobRules;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.Penalties;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StopRules;
import dev.spandrel.engine.TokenRules;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * The sampling fields both endpoints share, as the client gave them.
 *
 * @param skipSpecialTokens whether special tokens are left out of the text
 * @param n choices per prompt
 */
record SamplingFields(
        OptionalDouble temperature,
        OptionalDouble topP,
        OptionalInt topK,
        OptionalDouble minP,
        OptionalLong seed,
        PenaltyFields penalties,
        TokenRules tokenRules,
        StopFields stop,
        boolean skipSpecialTokens,
        int n) {
    /** Below it the softmax of half-precision logits overflows; vLLM raises smaller temperatures to this too. */
    private static final double MIN_TEMPERATURE = 0.01;

    /** The penalties as given. */
    record PenaltyFields(OptionalDouble presence, OptionalDouble frequency, OptionalDouble repetition) {
        static PenaltyFields read(RequestFields fields) {
            return new PenaltyFields(
                    fields.decimal("presence_penalty"),
                    fields.decimal("frequency_penalty"),
                    fields.decimal("repetition_penalty"));
        }

        Penalties over(Penalties defaults) {
            return new Penalties(
                    presence.orElse(defaults.presence()),
                    frequency.orElse(defaults.frequency()),
                    repetition.orElse(defaults.repetition()));
        }
    }

    /** What ends the output, as given. */
    record StopFields(
            List<String> strings, List<Integer> tokenIds, boolean ignoreEos, int minTokens, boolean includeInOutput) {
        static StopFields read(RequestFields fields) {
            return new StopFields(
                    fields.strings("stop"),
                    fields.integers("stop_token_ids"),
                    fields.bool("ignore_eos", false),
                    fields.integer("min_tokens").orElse(0),
                    fields.bool("include_stop_str_in_output", false));
        }

        /** Ids of the defaults are ends of sequence too, so they go where those go. */
        StopRules over(StopRules defaults) {
            Stream<Integer> more = ignoreEos || defaults.ignoreEos() ? Stream.of() : defaults.tokenIds().stream();
            return new StopRules(
                    strings.isEmpty() ? defaults.strings() : strings,
                    Stream.concat(tokenIds.stream(), more).distinct().toList(),
                    ignoreEos || defaults.ignoreEos(),
                    minTokens,
                    includeInOutput);
        }
    }

    static SamplingFields read(RequestFields fields) {
        // Read for its type only: our tokens never gain spaces between them, see docs/compatibility.md.
        fields.bool("spaces_between_special_tokens", true);
        return new SamplingFields(
                fields.decimal("temperature"),
                fields.decimal("top_p"),
                fields.integer("top_k"),
                fields.decimal("min_p"),
                fields.longInteger("seed"),
                PenaltyFields.read(fields),
                tokenRules(fields),
                StopFields.read(fields),
                fields.bool("skip_special_tokens", true),
                fields.integer("n").orElse(1));
    }

    private static TokenRules tokenRules(RequestFields fields) {
        List<Integer> allowed = fields.integers("allowed_token_ids");
        if (allowed.isEmpty() && fields.get("allowed_token_ids") != null) {
            throw new OpenAiException(
                    OpenAiError.badRequest("allowed_token_ids", "allowed_token_ids must hold at least one token id."));
        }
        return new TokenRules(fields.numbersByInteger("logit_bias"), allowed, fields.strings("bad_words"));
    }

    /**
     * The values in force: the request's over the operator's over the model's.
     *
     * @param model brings the defaults
     * @param maxTokens resolved by the endpoint; empty = the rest of the context
     * @param beams a search gives n different choices at temperature 0 too
     * @throws dev.spandrel.engine.EngineException.InvalidRequest when a value is outside its range
     * @throws OpenAiException 400, when {@code n} does not fit
     */
    SamplingParams over(
            ServedModel model,
            OptionalInt maxTokens,
            LogprobRules logprobs,
            Optional<OutputConstraint> constraint,
            BeamFields beams) {
        SamplingParams defaults = model.defaultSampling();
        SamplingParams sampling = new SamplingParams(
                maxTokens,
                raised(temperature.orElse(defaults.temperature())),
                topP.orElse(defaults.topP()),
                topK.orElse(defaults.topK()),
                minP.orElse(defaults.minP()),
                seed.isPresent() ? seed : defaults.seed(),
                penalties.over(defaults.penalties()),
                tokenRules,
                stop.over(defaults.stopRules()),
                logprobs,
                skipSpecialTokens,
                constraint);
        checkN(sampling, beams, model.settings().defaults().maxN());
        return sampling;
    }

    private static double raised(double temperature) {
        return temperature > 0 && temperature < MIN_TEMPERATURE ? MIN_TEMPERATURE : temperature;
    }

    private void checkN(SamplingParams sampling, BeamFields beams, int maxN) {
        if (n < 1 || n > maxN) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "n", "n must be between 1 and " + maxN + ", got " + n + ". (parameter=n, value=" + n + ")"));
        }
        if (n > 1 && sampling.greedy() && !beams.on()) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "n", "n must be 1 when using greedy sampling, got " + n + ". (parameter=n, value=" + n + ")"));
        }
    }
}
