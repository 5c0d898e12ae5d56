package dev.spandrel.engine;

/**
 * Changes of logits for tokens that were there before, in vLLM's order and meaning: repetition looks at prompt and output,
 * frequency and presence at the output alone.
 *
 * @param presence subtracted once from the logit of each token of the output, −2 to 2
 * @param frequency subtracted as often as the token occurs in the output, −2 to 2
 * @param repetition divides positive and multiplies negative logits of tokens of prompt and output, above 0; 1 = none
 */
public record Penalties(double presence, double frequency, double repetition) {
    /** Nothing is changed. */
    public static final Penalties NONE = new Penalties(0, 0, 1);

    public Penalties {
        if (!(presence >= -2 && presence <= 2)) {
            throw EngineException.InvalidRequest.value(
                    "presence_penalty", "presence_penalty must be between -2 and 2", presence);
        }
        if (!(frequency >= -2 && frequency <= 2)) {
            throw EngineException.InvalidRequest.value(
                    "frequency_penalty", "frequency_penalty must be between -2 and 2", frequency);
        }
        if (!(repetition > 0 && repetition < Double.POSITIVE_INFINITY)) {
            throw EngineException.InvalidRequest.value(
                    "repetition_penalty", "repetition_penalty must be greater than 0", repetition);
        }
    }
}
