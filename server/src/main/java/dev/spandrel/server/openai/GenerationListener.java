package dev.spandrel.server.openai;

import dev.spandrel.engine.RequestTimings;
import io.helidon.webserver.http.ServerRequest;
import java.util.List;

/**
 * Hears of generations, on the thread of the HTTP request. {@link #onFirstToken} and {@link #onNextTokens} come before
 * the tokens are written and only count; {@link #onEnd} comes after the last byte, so it may take its time.
 */
public interface GenerationListener {
    /** The first token of a generation is there. */
    default void onFirstToken(RequestTimings timings) {}

    /**
     * Later tokens are there.
     *
     * @param seconds since the tokens before
     * @param tokens how many came together
     */
    default void onNextTokens(double seconds, int tokens) {}

    /**
     * All generations of an HTTP request are over, be they finished, cancelled or failed.
     *
     * @param generations one per engine request, the choices of a prompt side by side
     */
    default void onEnd(ServerRequest request, List<EndedGeneration> generations) {}

    /** Tells several. */
    static GenerationListener of(List<GenerationListener> listeners) {
        List<GenerationListener> all = List.copyOf(listeners);
        return new GenerationListener() {
            @Override
            public void onFirstToken(RequestTimings timings) {
                all.forEach(listener -> listener.onFirstToken(timings));
            }

            @Override
            public void onNextTokens(double seconds, int tokens) {
                all.forEach(listener -> listener.onNextTokens(seconds, tokens));
            }

            @Override
            public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
                all.forEach(listener -> listener.onEnd(request, generations));
            }
        };
    }
}
