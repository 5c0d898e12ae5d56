package dev.spandrel.server.openai;

import dev.spandrel.engine.Generation;
import io.helidon.webserver.http.ServerRequest;
import java.util.List;
import java.util.Objects;

/**
 * Hears of requests to the generating endpoints, on the thread of the HTTP request. What comes at the end comes after the
 * last byte, so it may take its time: nothing of it can delay a token; {@link #onTokens} may not.
 */
@FunctionalInterface
public interface GenerationListener {
    /**
     * All generations of an HTTP request are over, be they finished, cancelled or failed.
     *
     * @param generations one per engine request, the choices of a prompt side by side
     */
    void onEnd(ServerRequest request, List<EndedGeneration> generations);

    /** A request came in; its body is not read yet. */
    default void onArrival(ServerRequest request) {}

    /**
     * What the engine is to hand back in its step records for a generation, or null.
     *
     * @param index counts the engine requests of this HTTP request
     */
    default Object correlation(ServerRequest request, int index) {
        return null;
    }

    /**
     * Tokens of a generation have come, and were not written yet.
     *
     * @param index of the engine request
     * @param from the first of them
     * @param count how many
     */
    default void onTokens(ServerRequest request, int index, Generation generation, int from, int count) {}

    /**
     * All embeddings of an HTTP request are over, be they finished, cancelled or failed.
     *
     * @param embeddings one per prompt
     */
    default void onEmbedded(ServerRequest request, List<EndedEmbedding> embeddings) {}

    /** A request that was answered with an error instead of a generation. */
    default void onRefused(ServerRequest request, RefusedRequest refused) {}

    /** Whether {@link EndedGeneration#content} and {@link EndedEmbedding#input} are wanted. */
    default boolean wantsContent() {
        return false;
    }

    /** Tells several. */
    static GenerationListener of(List<GenerationListener> listeners) {
        return new Several(List.copyOf(listeners));
    }

    /** Tells each in order; the first correlation there is counts. */
    record Several(List<GenerationListener> all) implements GenerationListener {
        @Override
        public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
            // One that did not ask for the content must not pass it on because another did.
            List<EndedGeneration> bare = wantsContent()
                    ? generations.stream().map(EndedGeneration::withoutContent).toList()
                    : generations;
            all.forEach(listener -> listener.onEnd(request, listener.wantsContent() ? generations : bare));
        }

        @Override
        public void onArrival(ServerRequest request) {
            all.forEach(listener -> listener.onArrival(request));
        }

        @Override
        public Object correlation(ServerRequest request, int index) {
            return all.stream()
                    .map(listener -> listener.correlation(request, index))
                    .filter(Objects::nonNull)
                    .findFirst()
                    .orElse(null);
        }

        @Override
        public void onTokens(ServerRequest request, int index, Generation generation, int from, int count) {
            all.forEach(listener -> listener.onTokens(request, index, generation, from, count));
        }

        @Override
        public void onEmbedded(ServerRequest request, List<EndedEmbedding> embeddings) {
            List<EndedEmbedding> bare = wantsContent()
                    ? embeddings.stream().map(EndedEmbedding::withoutInput).toList()
                    : embeddings;
            all.forEach(listener -> listener.onEmbedded(request, listener.wantsContent() ? embeddings : bare));
        }

        @Override
        public void onRefused(ServerRequest request, RefusedRequest refused) {
            all.forEach(listener -> listener.onRefused(request, refused));
        }

        @Override
        public boolean wantsContent() {
            return all.stream().anyMatch(GenerationListener::wantsContent);
        }
    }
}
