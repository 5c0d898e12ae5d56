package dev.spandrel.server.openai;

import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;

/** {@code POST /v1/chat/completions}. */
public final class ChatCompletionsService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/v1/chat/completions";

    /** Several conversations at once. */
    public static final String BATCH = PATH + "/batch";

    private final GenerationHandler handler;
    private final GenerationHandler batch;

    public ChatCompletionsService(ApiContext api) {
        handler = new GenerationHandler(
                api,
                new ChatFormat(),
                (fields, ids) -> ChatCompletionRequest.read(fields, ids, api.model(), api.engine()));
        batch = new GenerationHandler(
                api, new ChatFormat(), (fields, ids) -> ChatBatchRequest.read(fields, ids, api.model(), api.engine()));
    }

    @Override
    public void routing(HttpRules rules) {
        rules.post("/", handler);
        rules.post("/batch", batch);
    }

    /** Answers a request, wherever it came in. */
    Handler handler() {
        return handler;
    }
}
