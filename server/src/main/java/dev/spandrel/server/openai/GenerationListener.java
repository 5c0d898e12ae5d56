package dev.spandrel.server.openai;

import io.helidon.webserver.http.ServerRequest;
import java.util.List;

/**
 * Hears of generations, on the thread of the HTTP request and after the last byte, so it may take its time: nothing of
 * it can delay a token.
 */
@FunctionalInterface
public interface GenerationListener {
    /**
     * All generations of an HTTP request are over, be they finished, cancelled or failed.
     *
     * @param generations one per engine request, the choices of a prompt side by side
     */
    void onEnd(ServerRequest request, List<EndedGeneration> generations);

    /** Tells several. */
    static GenerationListener of(List<GenerationListener> listeners) {
        List<GenerationListener> all = List.copyOf(listeners);
        return (request, generations) -> all.forEach(listener -> listener.onEnd(request, generations));
    }
}
