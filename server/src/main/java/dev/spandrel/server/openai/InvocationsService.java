package dev.spandrel.server.openai;

import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;

/**
 * {@code POST /invocations}, under which SageMaker asks for everything: what a body is about its fields tell, as with vLLM,
 * and the answer is that of the endpoint proper.
 */
public final class InvocationsService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/invocations";

    private final ApiContext api;
    private final Handler chat;
    private final Handler completions;
    private final Handler embeddings;

    public InvocationsService(ApiContext api) {
        this.api = api;
        this.chat = new ChatCompletionsService(api).handler();
        this.completions = new CompletionsService(api).handler();
        this.embeddings = new EmbeddingsService(api)::embed;
    }

    @Override
    public void routing(HttpRules rules) {
        rules.post("/", this::invoke);
    }

    private void invoke(ServerRequest request, ServerResponse response) throws Exception {
        byte[] body = RequestReader.read(request, api.watchdog());
        RequestFields fields = RequestFields.parse(body);
        request.context().register(new ReadBody(body));
        handler(fields).handle(request, response);
    }

    private Handler handler(RequestFields fields) {
        if (fields.get("messages") != null) {
            return chat;
        }
        if (fields.get("prompt") != null) {
            return completions;
        }
        if (fields.get("input") != null) {
            return embeddings;
        }
        throw new OpenAiException(
                OpenAiError.schema(
                        "body",
                        "1 validation error:\n  body: expected one of messages, prompt and input, which say what is asked for"));
    }
}
