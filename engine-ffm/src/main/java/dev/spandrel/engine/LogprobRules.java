package dev.spandrel.engine;

import java.util.List;
import java.util.OptionalInt;

/**
 * Which log probabilities are to be told: those of the model's own scores, before temperature, penalties and biases.
 * How many a client may ask for is for its server to say; beyond the vocabulary there are none.
 *
 * @param sampled for each token of the output so many of the likeliest beside the chosen one; empty = none at all
 * @param prompt the same for each token of the prompt but the first
 * @param tokenIds told for each token of the output whatever their rank
 */
public record LogprobRules(OptionalInt sampled, OptionalInt prompt, List<Integer> tokenIds) {
    /** None are told. */
    public static final LogprobRules NONE = new LogprobRules(OptionalInt.empty(), OptionalInt.empty(), List.of());

    public LogprobRules {
        tokenIds = List.copyOf(tokenIds);
        check("logprobs", sampled);
        check("prompt_logprobs", prompt);
    }

    private static void check(String name, OptionalInt count) {
        if (count.isPresent() && count.getAsInt() < 0) {
            throw EngineException.InvalidRequest.value(name, name + " must be at least 0", count.getAsInt());
        }
    }

    /** Whether tokens of the output have any. */
    public boolean ofOutput() {
        return sampled.isPresent() || !tokenIds.isEmpty();
    }
}
