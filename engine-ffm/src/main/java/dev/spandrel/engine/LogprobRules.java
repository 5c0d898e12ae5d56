package dev.spandrel.engine;

import java.util.List;
import java.util.OptionalInt;

/**
 * Which log probabilities are to be told: those of the model's own scores, before temperature, penalties and biases.
 *
 * @param sampled for each token of the output so many of the likeliest beside the chosen one; empty = none at all
 * @param prompt the same for each token of the prompt but the first
 * @param tokenIds told for each token of the output whatever their rank
 */
public record LogprobRules(OptionalInt sampled, OptionalInt prompt, List<Integer> tokenIds) {
    /** None are told. */
    public static final LogprobRules NONE = new LogprobRules(OptionalInt.empty(), OptionalInt.empty(), List.of());

    /** Most alternatives per token, vLLM's default of {@code --max-logprobs}. */
    public static final int MAX = 20;

    public LogprobRules {
        tokenIds = List.copyOf(tokenIds);
        check("logprobs", sampled);
        check("prompt_logprobs", prompt);
        if (tokenIds.size() > MAX) {
            throw EngineException.InvalidRequest.value(
                    "logprob_token_ids", "logprob_token_ids takes at most " + MAX + " ids", tokenIds.size());
        }
    }

    private static void check(String name, OptionalInt count) {
        if (count.isPresent() && (count.getAsInt() < 0 || count.getAsInt() > MAX)) {
            throw EngineException.InvalidRequest.value(name, name + " must be between 0 and " + MAX, count.getAsInt());
        }
    }

    /** Whether tokens of the output have any. */
    public boolean ofOutput() {
        return sampled.isPresent() || !tokenIds.isEmpty();
    }
}
