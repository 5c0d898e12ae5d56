package dev.spandrel.engine;

import java.util.Optional;
import java.util.OptionalInt;

/** What a {@link Generation} delivers: pieces of valid text, then one {@link Finished}. */
public sealed interface GenerationEvent {
    /**
     * New text; never half a character, never part of a stop string.
     *
     * @param text may be empty when a token completed no character
     * @param tokens tokens behind it
     */
    record TextDelta(String text, int tokens) implements GenerationEvent {}

    /**
     * The end.
     *
     * @param text the last piece of text, possibly empty
     * @param tokens tokens behind it
     * @param reason why it ended
     * @param stopReason the stop string that matched, or empty
     * @param stopToken the token of the request's own {@link StopRules#tokenIds} that ended it, or empty
     * @param failure the cause when {@code reason} is {@link FinishReason#ERROR}, or null
     */
    record Finished(
            String text,
            int tokens,
            FinishReason reason,
            Optional<String> stopReason,
            OptionalInt stopToken,
            EngineException failure)
            implements GenerationEvent {
        /** An end that no stop token brought. */
        public Finished(
                String text, int tokens, FinishReason reason, Optional<String> stopReason, EngineException failure) {
            this(text, tokens, reason, stopReason, OptionalInt.empty(), failure);
        }
    }
}
