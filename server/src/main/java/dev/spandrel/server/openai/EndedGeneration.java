package dev.spandrel.server.openai;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import java.util.List;
import java.util.Optional;

/**
 * One engine request after its end.
 *
 * @param index counts the engine requests of an HTTP request
 * @param operation {@code text_completion} or {@code chat}
 * @param requestId vLLM's external id of the engine request
 * @param responseId the id in the HTTP answer
 * @param requestModel the name the client used
 * @param responseModel the name in the answer
 * @param sampling the values in force
 * @param choices choices the client asked for per prompt
 * @param beams choices this engine request itself gave: as many as there are for a beam search, else 1
 * @param streamed whether the answer was streamed
 * @param cachedTokens prompt tokens found in the prefix cache
 * @param tokenNanos when each token was sampled, on the engine's clock
 * @param phases the finer stamps
 * @param answer when it went out
 * @param reasons why it ended, one per choice it gave; {@link FinishReason#ABORT} where the client left
 * @param tools what reading its calls came to; empty where nothing looked for any
 * @param failure the cause of {@link FinishReason#ERROR}, where the engine gave one
 * @param content what was said, where a listener wants it
 */
public record EndedGeneration(
        int index,
        String operation,
        String requestId,
        String responseId,
        String requestModel,
        String responseModel,
        SamplingParams sampling,
        int choices,
        int beams,
        boolean streamed,
        int promptTokens,
        int cachedTokens,
        int completionTokens,
        RequestTimings timings,
        List<Long> tokenNanos,
        RequestPhases phases,
        AnswerTimes answer,
        List<FinishReason> reasons,
        Optional<ToolReading> tools,
        Optional<EngineException> failure,
        Optional<Content> content) {
    public EndedGeneration {
        reasons = List.copyOf(reasons);
    }

    /** The same for those who are not to know what was said. */
    EndedGeneration withoutContent() {
        return new EndedGeneration(
                index,
                operation,
                requestId,
                responseId,
                requestModel,
                responseModel,
                sampling,
                choices,
                beams,
                streamed,
                promptTokens,
                cachedTokens,
                completionTokens,
                timings,
                tokenNanos,
                phases,
                answer,
                reasons,
                tools,
                failure,
                Optional.empty());
    }

    /** Why it ended; a beam search, why its best beam did. */
    public FinishReason reason() {
        return reasons.getFirst();
    }
}
