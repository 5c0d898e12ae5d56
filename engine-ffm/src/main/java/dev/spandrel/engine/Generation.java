package dev.spandrel.engine;

import java.util.List;
import java.util.Optional;

/**
 * A request under way. One thread reads it with {@link #next}; any thread may close it. Closing before
 * {@link GenerationEvent.Finished} was read cancels: the sequence leaves the batch at the next step, its blocks are
 * freed, and nothing more is delivered.
 */
public interface Generation extends AutoCloseable {
    /** The id of the request. */
    String id();

    /** Tokens of the prompt, special tokens included. */
    int promptTokens();

    /** The prompt as the model saw it. */
    int[] promptTokenIds();

    /** A token of the output below the number that events have told of, tokens that are not text included. */
    int tokenId(int index);

    /**
     * Log probabilities at a place of the output below the number that events have told of; empty where none were asked
     * for.
     */
    Optional<TokenLogprobs> logprobs(int index);

    /**
     * Log probabilities of the prompt's tokens but the first, complete once an event has told of a token or of the end;
     * empty where none were asked for.
     */
    List<TokenLogprobs> promptLogprobs();

    /** Tokens of the prompt whose keys and values were found in the cache; 0 before the request was first scheduled. */
    int cachedTokens();

    /** The sampling values in force, {@code maxTokens} resolved to a number. */
    SamplingParams sampling();

    /**
     * Waits for the next piece of text. The last event is {@link GenerationEvent.Finished}; after it, or after
     * {@link #close}, a call throws {@link IllegalStateException}.
     *
     * @throws InterruptedException when the waiting thread is interrupted; the generation goes on until closed
     */
    GenerationEvent next() throws InterruptedException;

    /** Tokens generated so far; final once finished or closed. */
    int completionTokens();

    /** The stamps so far; complete once finished or closed. */
    RequestTimings timings();

    /** The finer stamps so far; call it once finished or closed. */
    RequestPhases phases();

    /**
     * When each token so far was sampled, on the engine's monotonic clock in nanoseconds; final once finished or closed.
     */
    long[] tokenNanos();

    /**
     * When one token was sampled, on the engine's clock.
     *
     * @param index below the number of tokens that {@link #next} has told of
     */
    default long tokenNanos(int index) {
        return tokenNanos()[index];
    }

    /** Cancels if still running; harmless otherwise and when repeated. */
    @Override
    void close();
}
