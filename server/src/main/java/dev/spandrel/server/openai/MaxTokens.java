package dev.spandrel.server.openai;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.Prompt;
import java.util.OptionalInt;

/** How much a request may ask for. */
final class MaxTokens {
    private MaxTokens() {}

    /**
     * Refuses more output than the whole context holds; whether it fits behind this prompt the engine says.
     *
     * @param name the field the client used
     */
    static void check(String name, OptionalInt maxTokens, ModelInfo model) {
        if (maxTokens.isPresent() && maxTokens.getAsInt() > model.maxModelLen()) {
            int value = maxTokens.getAsInt();
            throw new OpenAiException(OpenAiError.badRequest(
                    name,
                    name + " must not exceed the model's context length of " + model.maxModelLen() + ", got " + value
                            + ". (parameter=" + name + ", value=" + value + ")"));
        }
    }

    /** Refuses more sequences than could ever wait at once: such a request would be told to retry for ever. */
    static void checkChoices(int prompts, int n, ServedModel model) {
        long choices = (long) prompts * n;
        if (choices > model.maxChoices()) {
            throw new OpenAiException(OpenAiError.badRequest(
                    "n",
                    "The number of prompts times n must not exceed " + model.maxChoices() + ", got " + choices + "."));
        }
    }

    /**
     * The model's or the operator's default output length, cut to what the context leaves; empty when neither names one.
     *
     * @throws dev.spandrel.engine.EngineException.InvalidRequest when the prompt has no tokens in this model
     */
    static OptionalInt modelDefault(ServedModel model, Engine engine, Prompt prompt) {
        OptionalInt wished = model.defaultSampling().maxTokens();
        if (wished.isEmpty()) {
            return wished;
        }
        int left = engine.model().maxModelLen() - engine.countTokens(prompt);
        return OptionalInt.of(Math.max(1, Math.min(wished.getAsInt(), left)));
    }
}
