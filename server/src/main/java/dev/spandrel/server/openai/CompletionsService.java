package dev.spandrel.server.openai;

import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;

/** {@code POST /v1/completions}. */
public final class CompletionsService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/v1/completions";

    private final GenerationHandler handler;

    public CompletionsService(ApiContext api) {
        handler = new GenerationHandler(
                api, new CompletionsFormat(), (fields, ids) -> CompletionRequest.read(fields, ids, api.model()));
    }

    @Override
    public void routing(HttpRules rules) {
        rules.post("/", handler);
    }

    /** Answers a request, wherever it came in. */
    Handler handler() {
        return handler;
    }
}
