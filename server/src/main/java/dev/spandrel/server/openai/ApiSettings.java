package dev.spandrel.server.openai;

import dev.spandrel.engine.Pooling;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import java.util.List;
import java.util.Optional;

/**
 * What the API offers.
 *
 * @param servedModelNames names clients may use; empty = the model's own
 * @param promptTokensDetails whether usage tells of cached prompt tokens
 * @param maxLogprobs most log probabilities per token a request may ask for; −1 = the whole vocabulary
 * @param pooling how hidden states become embeddings
 * @param toolCallFamily how the model writes tool calls; empty = as its chat template shows
 * @param requestIdHeaders whether answers have an {@code X-Request-Id}
 * @param forceIncludeUsage whether streams tell of their usage, running and final, unasked
 * @param perRequestMetrics whether plain answers with one choice tell of their latencies
 * @param tokenizerInfo whether {@code /tokenizer_info} is there
 * @param fingerprint what answers tell of the server that made them
 * @param defaults what the operator says about requests
 */
public record ApiSettings(
        List<String> servedModelNames,
        boolean promptTokensDetails,
        int maxLogprobs,
        Pooling pooling,
        Optional<ToolCallFamily> toolCallFamily,
        boolean requestIdHeaders,
        boolean forceIncludeUsage,
        boolean perRequestMetrics,
        boolean tokenizerInfo,
        Fingerprint fingerprint,
        RequestDefaults defaults) {
    /** vLLM's default of {@code --max-logprobs}. */
    public static final int DEFAULT_MAX_LOGPROBS = 20;

    /** No limit but the vocabulary. */
    public static final int UNLIMITED = -1;

    /** What a server offers that was told nothing. */
    public static final ApiSettings DEFAULT = new ApiSettings(
            List.of(),
            false,
            DEFAULT_MAX_LOGPROBS,
            Pooling.LAST,
            Optional.empty(),
            false,
            false,
            false,
            false,
            Fingerprint.DEFAULT,
            RequestDefaults.NONE);

    public ApiSettings {
        servedModelNames = List.copyOf(servedModelNames);
        if (servedModelNames.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("--served-model-name must not be blank");
        }
        if (maxLogprobs < UNLIMITED) {
            throw new IllegalArgumentException(
                    "--max-logprobs must be -1 (the whole vocabulary) or at least 0, found " + maxLogprobs);
        }
    }
}
