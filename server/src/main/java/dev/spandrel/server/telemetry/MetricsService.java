package dev.spandrel.server.telemetry;

import dev.spandrel.engine.Engine;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.util.List;

/** {@code GET /metrics}: Prometheus text, or OpenMetrics for a scraper that accepts it, as Prometheus itself does. */
public final class MetricsService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/metrics";

    private static final String OPEN_METRICS = "application/openmetrics-text";

    private final EngineMetrics metrics;
    private final Engine engine;
    private final String modelName;

    /** The metrics of one engine under the model's first served name. */
    public MetricsService(EngineMetrics metrics, Engine engine, String modelName) {
        this.metrics = metrics;
        this.engine = engine;
        this.modelName = modelName;
    }

    @Override
    public void routing(HttpRules rules) {
        rules.get("/", this::scrape);
    }

    private void scrape(ServerRequest request, ServerResponse response) {
        PrometheusText text = new PrometheusText(acceptsOpenMetrics(request));
        metrics.write(text, modelName, engine.stats());
        engine.device().ifPresent(device -> DeviceMetrics.write(text, device));
        response.header(HeaderNames.CONTENT_TYPE, text.contentType()).send(text.bytes());
    }

    /** Weights do not matter: who can read OpenMetrics gets it, since only there are exemplars. */
    private static boolean acceptsOpenMetrics(ServerRequest request) {
        List<String> accepted = request.headers().values(HeaderNames.ACCEPT);
        return accepted.stream().anyMatch(types -> types.contains(OPEN_METRICS));
    }
}
