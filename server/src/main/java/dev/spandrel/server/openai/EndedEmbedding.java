package dev.spandrel.server.openai;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestTimings;
import java.util.List;
import java.util.Optional;

/**
 * One engine request for an embedding after its end.
 *
 * @param index counts the engine requests of an HTTP request
 * @param requestId names the engine request
 * @param responseId the id in the HTTP answer
 * @param requestModel the name the client used
 * @param responseModel the name in the answer
 * @param input the prompt as one message of the user, where a listener wants it; else empty
 * @param dimensions of the vector; 0 where there is none
 * @param encodingFormat how the vector was written: {@code float} or {@code base64}
 * @param reason {@link FinishReason#STOP}, or why there is no vector
 * @param lastByteNanos when the answer was written; {@link RequestTimings#NOT_REACHED} where it was not
 */
public record EndedEmbedding(
        int index,
        String requestId,
        String responseId,
        String requestModel,
        String responseModel,
        List<ChatMessage> input,
        int promptTokens,
        int dimensions,
        String encodingFormat,
        RequestTimings timings,
        RequestPhases phases,
        FinishReason reason,
        Optional<EngineException> failure,
        long lastByteNanos) {
    /** {@code gen_ai.operation.name}. */
    public static final String OPERATION = "embeddings";

    public EndedEmbedding {
        input = List.copyOf(input);
    }

    /** The same for those who are not to know what was asked. */
    EndedEmbedding withoutInput() {
        return new EndedEmbedding(
                index,
                requestId,
                responseId,
                requestModel,
                responseModel,
                List.of(),
                promptTokens,
                dimensions,
                encodingFormat,
                timings,
                phases,
                reason,
                failure,
                lastByteNanos);
    }
}
