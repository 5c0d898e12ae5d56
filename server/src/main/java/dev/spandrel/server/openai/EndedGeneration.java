package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import java.util.List;
import java.util.Optional;

/**
 * One engine request after its end.
 *
 * @param operation {@code text_completion} or {@code chat}
 * @param requestId vLLM's external id of the engine request
 * @param responseId the id in the HTTP answer
 * @param requestModel the name the client used
 * @param responseModel the name in the answer
 * @param sampling the values in force
 * @param choices choices the client asked for per prompt
 * @param streamed whether the answer was streamed
 * @param cachedTokens prompt tokens found in the prefix cache
 * @param tokenNanos when each token was sampled, on the engine's clock
 * @param reason why it ended; {@link FinishReason#ABORT} where the client left
 * @param failure the cause of {@link FinishReason#ERROR}, where the engine gave one
 */
public record EndedGeneration(
        String operation,
        String requestId,
        String responseId,
        String requestModel,
        String responseModel,
        SamplingParams sampling,
        int choices,
        boolean streamed,
        int promptTokens,
        int cachedTokens,
        int completionTokens,
        RequestTimings timings,
        List<Long> tokenNanos,
        FinishReason reason,
        Optional<EngineException> failure) {}
