package dev.spandrel.server.openai;

import dev.spandrel.engine.LogprobRules;
import java.util.OptionalInt;

/** The fields that ask for log probabilities, which the two endpoints spell differently. */
final class LogprobFields {
    private LogprobFields() {}

    /** {@code logprobs} is a number; with {@code echo} it counts for the prompt too. */
    static LogprobRules completion(RequestFields fields, boolean echo) {
        OptionalInt sampled = fields.integer("logprobs");
        OptionalInt prompt = fields.integer("prompt_logprobs");
        return new LogprobRules(
                sampled, prompt.isEmpty() && echo ? sampled : prompt, fields.integers("logprob_token_ids"));
    }

    /**
     * {@code logprobs} is a switch, {@code top_logprobs} a number.
     *
     * @throws OpenAiException 400, when there is a number and the switch is off
     */
    static LogprobRules chat(RequestFields fields) {
        boolean on = fields.bool("logprobs", false);
        OptionalInt top = fields.integer("top_logprobs");
        if (!on && top.orElse(0) != 0) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "top_logprobs",
                    "top_logprobs needs logprobs to be true. (parameter=top_logprobs, value=" + top.getAsInt() + ")"));
        }
        if (top.orElse(0) < 0 || top.orElse(0) > LogprobRules.MAX) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "top_logprobs",
                    "top_logprobs must be between 0 and " + LogprobRules.MAX + ", got " + top.getAsInt()
                            + ". (parameter=top_logprobs, value=" + top.getAsInt() + ")"));
        }
        return new LogprobRules(
                on ? OptionalInt.of(top.orElse(0)) : OptionalInt.empty(),
                fields.integer("prompt_logprobs"),
                fields.integers("logprob_token_ids"));
    }
}
