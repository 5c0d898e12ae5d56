package dev.spandrel.server.openai;

import dev.spandrel.engine.LogprobRules;
import java.util.List;
import java.util.OptionalInt;

/** The fields that ask for log probabilities, which the two endpoints spell differently. */
final class LogprobFields {
    private LogprobFields() {}

    /** {@code logprobs} is a number; with {@code echo} it counts for the prompt too. */
    static LogprobRules completion(RequestFields fields, boolean echo, ServedModel model) {
        OptionalInt sampled = count(fields, "logprobs", "sample", model);
        OptionalInt prompt = count(fields, "prompt_logprobs", "prompt", model);
        return new LogprobRules(sampled, prompt.isEmpty() && echo ? sampled : prompt, tokenIds(fields, model));
    }

    /**
     * {@code logprobs} is a switch, {@code top_logprobs} a number.
     *
     * @throws OpenAiException 400, when there is a number and the switch is off
     */
    static LogprobRules chat(RequestFields fields, ServedModel model) {
        boolean on = fields.bool("logprobs", false);
        OptionalInt top = count(fields, "top_logprobs", "sample", model);
        if (!on && top.orElse(0) != 0) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "top_logprobs",
                    "top_logprobs needs logprobs to be true. (parameter=top_logprobs, value=" + top.getAsInt() + ")"));
        }
        return new LogprobRules(
                on ? OptionalInt.of(top.orElse(0)) : OptionalInt.empty(),
                count(fields, "prompt_logprobs", "prompt", model),
                tokenIds(fields, model));
    }

    /** How many of the likeliest; −1 is the whole vocabulary, which the cap may forbid, as in vLLM. */
    private static OptionalInt count(RequestFields fields, String name, String kind, ServedModel model) {
        OptionalInt asked = fields.integer(name);
        if (asked.isEmpty()) {
            return asked;
        }
        if (asked.getAsInt() < -1) {
            throw refused(name, "`" + name + "` must be a positive value or -1", asked.getAsInt());
        }
        int most = model.mostLogprobs();
        int count = asked.getAsInt() == -1 ? model.info().vocabSize() : asked.getAsInt();
        if (count > most) {
            throw refused(
                    name,
                    "Requested " + kind + " logprobs of " + count + ", which is greater than max allowed: " + most,
                    asked.getAsInt());
        }
        return OptionalInt.of(count);
    }

    private static List<Integer> tokenIds(RequestFields fields, ServedModel model) {
        List<Integer> ids = fields.integers("logprob_token_ids");
        if (ids.size() > model.mostLogprobs()) {
            throw refused(
                    "logprob_token_ids",
                    "Requested logprobs of " + ids.size() + " token ids, which is greater than max allowed: "
                            + model.mostLogprobs(),
                    ids.size());
        }
        return ids;
    }

    private static OpenAiException refused(String name, String message, int value) {
        return new OpenAiException(
                OpenAiError.badRequest(name, message + ". (parameter=" + name + ", value=" + value + ")"));
    }
}
