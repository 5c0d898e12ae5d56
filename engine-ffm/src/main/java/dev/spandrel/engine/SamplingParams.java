package dev.spandrel.engine;

import java.util.List;
import java.util.Optional;
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
 * @param minP tokens with less than this share of the likeliest one's probability are dropped, 0 to 1
 * @param seed makes the same request give the same tokens
 * @param penalties for tokens that were there before
 * @param tokenRules tokens wanted more, less or not
 * @param stopRules what ends the output
 * @param logprobs which log probabilities are told
 * @param skipSpecialTokens whether special tokens are left out of the text
 * @param constraint the form of the text, where it has to have one
 */
public record SamplingParams(
        OptionalInt maxTokens,
        double temperature,
        double topP,
        int topK,
        double minP,
        OptionalLong seed,
        Penalties penalties,
        TokenRules tokenRules,
        StopRules stopRules,
        LogprobRules logprobs,
        boolean skipSpecialTokens,
        Optional<OutputConstraint> constraint) {

    /** Plain sampling at temperature 1. */
    public static final SamplingParams DEFAULT = new SamplingParams(
            OptionalInt.empty(),
            1.0,
            1.0,
            0,
            0.0,
            OptionalLong.empty(),
            Penalties.NONE,
            TokenRules.NONE,
            StopRules.MODEL,
            LogprobRules.NONE,
            true,
            Optional.empty());

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
        if (!(minP >= 0 && minP <= 1)) {
            throw invalid("min_p", "min_p must be between 0 and 1", minP);
        }
        if (maxTokens.isPresent() && stopRules.minTokens() > maxTokens.getAsInt()) {
            throw invalid(
                    "min_tokens",
                    "min_tokens must not be more than max_tokens, " + maxTokens.getAsInt(),
                    stopRules.minTokens());
        }
    }

    /** True when every token is the most likely one. */
    public boolean greedy() {
        return temperature == 0;
    }

    /** Texts that end the output. */
    public List<String> stop() {
        return stopRules.strings();
    }

    /** Whether the output goes on after an end-of-sequence token. */
    public boolean ignoreEos() {
        return stopRules.ignoreEos();
    }

    /** A builder that starts from these values. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    public SamplingParams withMaxTokens(int value) {
        return toBuilder().maxTokens(OptionalInt.of(value)).build();
    }

    public SamplingParams withTemperature(double value) {
        return toBuilder().temperature(value).build();
    }

    public SamplingParams withTopP(double value) {
        return toBuilder().topP(value).build();
    }

    public SamplingParams withTopK(int value) {
        return toBuilder().topK(value).build();
    }

    public SamplingParams withSeed(long value) {
        return toBuilder().seed(OptionalLong.of(value)).build();
    }

    public SamplingParams withStop(List<String> value) {
        return toBuilder()
                .stopRules(new StopRules(
                        value,
                        stopRules.tokenIds(),
                        stopRules.ignoreEos(),
                        stopRules.minTokens(),
                        stopRules.includeInOutput()))
                .build();
    }

    public SamplingParams withIgnoreEos(boolean value) {
        return toBuilder()
                .stopRules(new StopRules(
                        stopRules.strings(),
                        stopRules.tokenIds(),
                        value,
                        stopRules.minTokens(),
                        stopRules.includeInOutput()))
                .build();
    }

    private static EngineException.InvalidRequest invalid(String parameter, String rule, Object value) {
        return EngineException.InvalidRequest.value(parameter, rule, value);
    }

    /** Sets some of the values and keeps the others. */
    public static final class Builder {
        private OptionalInt maxTokens;
        private double temperature;
        private double topP;
        private int topK;
        private double minP;
        private OptionalLong seed;
        private Penalties penalties;
        private TokenRules tokenRules;
        private StopRules stopRules;
        private LogprobRules logprobs;
        private boolean skipSpecialTokens;
        private Optional<OutputConstraint> constraint;

        private Builder(SamplingParams from) {
            maxTokens = from.maxTokens;
            temperature = from.temperature;
            topP = from.topP;
            topK = from.topK;
            minP = from.minP;
            seed = from.seed;
            penalties = from.penalties;
            tokenRules = from.tokenRules;
            stopRules = from.stopRules;
            logprobs = from.logprobs;
            skipSpecialTokens = from.skipSpecialTokens;
            constraint = from.constraint;
        }

        public Builder maxTokens(OptionalInt value) {
            maxTokens = value;
            return this;
        }

        public Builder temperature(double value) {
            temperature = value;
            return this;
        }

        public Builder topP(double value) {
            topP = value;
            return this;
        }

        public Builder topK(int value) {
            topK = value;
            return this;
        }

        public Builder minP(double value) {
            minP = value;
            return this;
        }

        public Builder seed(OptionalLong value) {
            seed = value;
            return this;
        }

        public Builder penalties(Penalties value) {
            penalties = value;
            return this;
        }

        public Builder tokenRules(TokenRules value) {
            tokenRules = value;
            return this;
        }

        public Builder stopRules(StopRules value) {
            stopRules = value;
            return this;
        }

        public Builder logprobs(LogprobRules value) {
            logprobs = value;
            return this;
        }

        public Builder skipSpecialTokens(boolean value) {
            skipSpecialTokens = value;
            return this;
        }

        public Builder constraint(Optional<OutputConstraint> value) {
            constraint = value;
            return this;
        }

        /**
         * The values together.
         *
         * @throws EngineException.InvalidRequest naming a value outside its range
         */
        public SamplingParams build() {
            return new SamplingParams(
                    maxTokens,
                    temperature,
                    topP,
                    topK,
                    minP,
                    seed,
                    penalties,
                    tokenRules,
                    stopRules,
                    logprobs,
                    skipSpecialTokens,
                    constraint);
        }
    }
}
