package dev.spandrel.server.openai;

import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;

/** {@code /health}, {@code /ping} and {@code /version}: what probes ask; empty bodies as with vLLM. */
public final class HealthService implements HttpService {
    private final ApiContext api;

    public HealthService(ApiContext api) {
        this.api = api;
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get("/health", this::health);
        rules.get("/ping", this::health);
        rules.post("/ping", this::health);
        rules.get("/version", this::version);
    }

    private void health(ServerRequest request, ServerResponse response) {
        boolean well = api.engine().healthy() && !api.draining().getAsBoolean();
        response.status(well ? Status.OK_200 : Status.SERVICE_UNAVAILABLE_503).send();
    }

    private void version(ServerRequest request, ServerResponse response) {
        byte[] body = Json.bytes(out -> {
            out.writeStartObject();
            out.writeStringProperty("version", api.model().version());
            out.writeEndObject();
        });
        response.header(HeaderNames.CONTENT_TYPE, "application/json").send(body);
    }
}
