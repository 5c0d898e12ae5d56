package dev.spandrel.server.openai;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.nio.charset.StandardCharsets;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code GET /tokenizer_info}: the tokenizer's own configuration, its class and the chat template in use. */
public final class TokenizerInfoService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/tokenizer_info";

    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    private final byte[] body;

    public TokenizerInfoService(ApiContext api) {
        ObjectNode info = api.engine()
                .tokenizerConfig()
                .map(text -> Json.parse(text.getBytes(StandardCharsets.UTF_8)))
                .filter(ObjectNode.class::isInstance)
                .map(ObjectNode.class::cast)
                .orElseGet(MAPPER::createObjectNode);
        if (!info.path("tokenizer_class").isString()) {
            info.put("tokenizer_class", "PreTrainedTokenizerFast");
        }
        api.engine().chatTemplate().ifPresent(template -> info.put("chat_template", template));
        body = info.toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get(PATH, this::info);
    }

    private void info(ServerRequest request, ServerResponse response) {
        response.header(HeaderNames.CONTENT_TYPE, "application/json").send(body);
    }
}
