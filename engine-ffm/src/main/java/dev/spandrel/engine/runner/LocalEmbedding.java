package dev.spandrel.engine.runner;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.PendingEmbedding;
import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestTimings;
import java.util.Optional;

/** The reader's side of an embedding. */
final class LocalEmbedding implements PendingEmbedding {
    private final LiveRequest request;
    private final EngineLoop loop;

    LocalEmbedding(LiveRequest request, EngineLoop loop) {
        this.request = request;
        this.loop = loop;
    }

    @Override
    public int promptTokens() {
        return request.promptLength();
    }

    @Override
    public Optional<float[]> await() throws InterruptedException {
        // No token is ever published, so only the end wakes it.
        request.await(Integer.MAX_VALUE);
        LiveRequest.Ending ending = request.ending();
        if (ending.failure() != null) {
            throw ending.failure();
        }
        return ending.reason() == FinishReason.STOP
                ? Optional.of(request.pooler().vector())
                : Optional.empty();
    }

    @Override
    public RequestTimings timings() {
        LiveRequest.Ending ending = request.ending();
        return request.timings(0, ending == null ? RequestTimings.NOT_REACHED : ending.nanos());
    }

    @Override
    public RequestPhases phases() {
        return request.log().phases();
    }

    @Override
    public void close() {
        if (request.ending() == null) {
            loop.cancel(request);
        }
    }
}
