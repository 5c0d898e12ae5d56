package dev.spandrel.server.openai;

import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;

/** {@code POST /v1/chat/completions}. */
public final class ChatCompletionsService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/v1/chat/completions";

    private final GenerationHandler handler;

    public ChatCompletionsService(ApiContext api) {
        handler = new GenerationHandler(
                api,
                new ChatFormat(),
                (fields, ids) -> ChatCompletionRequest.read(fields, ids, api.model(), api.engine()));
    }

    @Override
    public void routing(HttpRules rules) {
        rules.post("/", handler);
    }
}
