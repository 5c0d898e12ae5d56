package dev.spandrel.server.openai;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;

/** {@code GET /load}: how many requests are under way, always counted, where vLLM wants a flag for it. */
public final class LoadService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/load";

    private final RequestLimit requests;

    public LoadService(RequestLimit requests) {
        this.requests = requests;
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get(
                "/",
                (_, response) -> response.header(HeaderNames.CONTENT_TYPE, "application/json")
                        .send(Json.bytes(out -> {
                            out.writeStartObject();
                            out.writeNumberProperty("server_load", requests.underWay());
                            out.writeEndObject();
                        })));
    }
}
