package dev.spandrel.server.telemetry;

import dev.spandrel.engine.Engine;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.HttpRules;
import io.helidon.webserver.http.HttpService;

/** {@code GET /metrics}. */
public final class MetricsService implements HttpService {
    /** Where it is mounted. */
    public static final String PATH = "/metrics";

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
        rules.get(
                "/",
                (_, response) -> response.header(HeaderNames.CONTENT_TYPE, PrometheusText.CONTENT_TYPE)
                        .send(metrics.text(modelName, engine.stats())));
    }
}
