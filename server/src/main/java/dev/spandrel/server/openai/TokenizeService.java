package dev.spandrel.server.openai;

import dev.spandrel.engine.Prompt;
import dev.spandrel.server.openai.tools.ToolCallFamily;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.List;
import java.util.Optional;

/** {@code POST /tokenize} and {@code POST /detokenize}, as vLLM has them: what a prompt is in tokens, and back. */
public final class TokenizeService implements HttpService {
    /** Where tokens come out. */
    public static final String TOKENIZE = "/tokenize";

    /** Where text comes out. */
    public static final String DETOKENIZE = "/detokenize";

    private final ApiContext api;

    public TokenizeService(ApiContext api) {
        this.api = api;
    }

    @Override
    public void routing(HttpRules rules) {
        rules.post(TOKENIZE, this::tokenize);
        rules.post(DETOKENIZE, this::detokenize);
    }

    private RequestFields fields(ServerRequest request) {
        RequestFields fields = RequestFields.parse(RequestReader.read(request, api.watchdog()));
        String model = fields.string("model").orElse(api.model().name());
        fields.check();
        api.model().check(model);
        return fields;
    }

    private void tokenize(ServerRequest request, ServerResponse response) {
        RequestFields fields = fields(request);
        boolean strings = fields.bool("return_token_strs", false);
        Prompt prompt = fields.get("messages") == null ? text(fields) : chat(fields, api.model());
        fields.check();
        int[] tokens = api.engine().tokenize(prompt);
        send(response, Json.bytes(out -> {
            out.writeStartObject();
            out.writeNumberProperty("count", tokens.length);
            out.writeNumberProperty("max_model_len", api.model().info().maxModelLen());
            out.writeArrayPropertyStart("tokens");
            for (int token : tokens) {
                out.writeNumber(token);
            }
            out.writeEndArray();
            if (strings) {
                out.writeArrayPropertyStart("token_strs");
                for (int token : tokens) {
                    out.writeString(api.engine().token(token).entry());
                }
                out.writeEndArray();
            } else {
                out.writeNullProperty("token_strs");
            }
            out.writeEndObject();
        }));
    }

    private static Prompt text(RequestFields fields) {
        if (fields.get("prompt") == null) {
            fields.missing("prompt");
        }
        return new Prompt.Text(fields.string("prompt").orElse(""), fields.bool("add_special_tokens", true));
    }

    private static Prompt chat(RequestFields fields, ServedModel model) {
        // Nothing is generated, so it does not matter how the model would write calls.
        List<Tool> tools =
                ToolFields.read(fields, Optional.of(ToolCallFamily.HERMES)).tools();
        return new Prompt.Chat(
                ChatCompletionRequest.messages(fields),
                ChatOptionFields.read(
                        fields,
                        model.settings().defaults().chatTemplateKwargs(),
                        tools.stream()
                                .map(tool -> TemplateValues.of(tool.definition()))
                                .toList()));
    }

    private void detokenize(ServerRequest request, ServerResponse response) {
        RequestFields fields = fields(request);
        if (fields.get("tokens") == null) {
            fields.missing("tokens");
        }
        List<Integer> tokens = fields.integers("tokens");
        fields.check();
        String text = api.engine().detokenize(tokens, false);
        send(response, Json.bytes(out -> {
            out.writeStartObject();
            out.writeStringProperty("prompt", text);
            out.writeEndObject();
        }));
    }

    private static void send(ServerResponse response, byte[] body) {
        response.header(HeaderNames.CONTENT_TYPE, "application/json").send(body);
    }
}
