package dev.spandrel.server.openai;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineStats;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.util.Locale;

/**
 * Tells a load balancer, with each answer it asks for it, how loaded the engine was when the request came (ORCA, the Open
 * Request Cost Aggregation of Envoy and gRPC), with vLLM's headers and names.
 */
public final class LoadReport implements Filter {
    private static final HeaderName FORMAT = HeaderNames.create("endpoint-load-metrics-format");
    private static final HeaderName REPORT = HeaderNames.create("endpoint-load-metrics");

    private final Engine engine;

    public LoadReport(Engine engine) {
        this.engine = engine;
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        request.headers().first(FORMAT).ifPresent(format -> {
            EngineStats stats = engine.stats();
            // Others are left without an answer, as with vLLM.
            switch (format.strip().toUpperCase(Locale.ROOT)) {
                case "TEXT" ->
                    response.header(
                            REPORT,
                            "TEXT named_metrics.kv_cache_usage_perc=" + stats.kvCacheUsage()
                                    + ", named_metrics.num_requests_waiting=" + stats.waiting());
                case "JSON" ->
                    response.header(
                            REPORT,
                            "JSON {\"named_metrics\": {\"kv_cache_usage_perc\": " + stats.kvCacheUsage()
                                    + ", \"num_requests_waiting\": " + stats.waiting() + "}}");
                default -> {}
            }
        });
        chain.proceed();
    }
}
