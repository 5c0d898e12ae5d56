package dev.spandrel.engine;

import java.util.Optional;

/** An embedding under way. One thread waits for it; any thread may close it, which cancels it if it still runs. */
public interface PendingEmbedding extends AutoCloseable {
    /** Tokens of the prompt, special tokens included. */
    int promptTokens();

    /**
     * Waits for the vector.
     *
     * @return empty when it was cancelled, or the engine closed
     * @throws EngineException when its step failed
     * @throws InterruptedException when the waiting thread is interrupted; the computation goes on until closed
     */
    Optional<float[]> await() throws InterruptedException;

    /** What happened when; without tokens, {@link RequestTimings#firstTokenNanos} is not reached. */
    RequestTimings timings();

    /** The finer stamps. */
    RequestPhases phases();

    /** Cancels if still running; harmless otherwise and when repeated. */
    @Override
    void close();
}
