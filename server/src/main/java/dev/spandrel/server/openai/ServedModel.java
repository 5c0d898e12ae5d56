package dev.spandrel.server.openai;

import dev.spandrel.engine.ModelInfo;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import java.util.List;
import java.util.Optional;

/**
 * The model under the names clients know it by.
 *
 * @param info what the engine loaded
 * @param names at least one; the first is used in answers
 * @param created seconds since the epoch, as the models list tells
 * @param maxChoices most sequences one HTTP request may ask for (prompts × n)
 * @param priorities whether requests may name a priority
 * @param settings what the API offers
 * @param toolCallFamily how the model writes tool calls, where that is known
 * @param version of this server
 * @param fingerprint what {@code system_fingerprint} tells; empty = null
 */
public record ServedModel(
        ModelInfo info,
        List<String> names,
        long created,
        int maxChoices,
        boolean priorities,
        ApiSettings settings,
        Optional<ToolCallFamily> toolCallFamily,
        String version,
        Optional<String> fingerprint) {
    public ServedModel {
        names = List.copyOf(names);
        if (names.isEmpty()) {
            throw new IllegalArgumentException("a served model needs a name");
        }
    }

    /** Most log probabilities per token that a request may ask for. */
    int mostLogprobs() {
        return settings.maxLogprobs() == ApiSettings.UNLIMITED ? info.vocabSize() : settings.maxLogprobs();
    }

    /** What requests get that say nothing: the operator's values over the model's over the engine's. */
    SamplingParams defaultSampling() {
        return settings.defaults().generation().over(info.defaultSampling());
    }

    String name() {
        return names.getFirst();
    }

    /**
     * The name a request may use.
     *
     * @throws OpenAiException 404, when the model is not served here
     */
    void check(String requested) {
        if (!names.contains(requested)) {
            throw new OpenAiException(OpenAiError.modelNotFound(requested));
        }
    }
}
