package dev.spandrel.server.telemetry;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/**
 * The HTTP metrics that vLLM has from its instrumentator: requests by handler, method and group of status, sizes and
 * durations. Probes and scrapes are not counted, as there. Paths nobody knows share the handler {@code none}, and methods
 * nobody knows the method {@code _OTHER}, so that no client can make series.
 */
public final class HttpMetrics implements Filter {
    /** Asked every few seconds by machines; vLLM leaves the same ones out. */
    private static final Set<String> UNCOUNTED =
            Set.of("/metrics", "/health", "/load", "/ping", "/version", "/server_info");

    private static final Set<String> METHODS = Set.of("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH");
    private static final String UNKNOWN = "none";

    private final Set<String> routes;
    private final LongSupplier nanoClock;
    private final Map<Outcome, LongAdder> requests = new ConcurrentHashMap<>();
    private final Map<String, Sizes> sizes = new ConcurrentHashMap<>();
    private final Map<Endpoint, Histogram> durations = new ConcurrentHashMap<>();
    private final Histogram allDurations =
            new Histogram(.01, .025, .05, .075, .1, .25, .5, .75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60);

    private record Outcome(String handler, String method, String status) {
        String labels() {
            return labelsOf(handler) + "," + PrometheusText.label("method", method) + ","
                    + PrometheusText.label("status", status);
        }
    }

    private record Endpoint(String handler, String method) {}

    private record Sizes(LongAdder count, LongAdder requestBytes, LongAdder responseBytes) {}

    /** @param routes paths that are counted under their own name */
    public HttpMetrics(Set<String> routes, LongSupplier nanoClock) {
        this.routes = Set.copyOf(routes);
        this.nanoClock = nanoClock;
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        String path = request.path().path();
        if (UNCOUNTED.contains(path)) {
            chain.proceed();
            return;
        }
        long start = nanoClock.getAsLong();
        boolean left = false;
        try {
            chain.proceed();
        } catch (CloseConnectionException e) {
            left = !response.isSent();
            throw e;
        } finally {
            String method = request.prologue().method().text();
            Endpoint endpoint =
                    new Endpoint(routes.contains(path) ? path : UNKNOWN, METHODS.contains(method) ? method : "_OTHER");
            // A client that left before there was a status is the client's doing: nginx has 499 for it.
            count(endpoint, left ? "4xx" : response.status().code() / 100 + "xx");
            measure(endpoint, request, response, (nanoClock.getAsLong() - start) / 1e9);
        }
    }

    private void count(Endpoint endpoint, String status) {
        requests.computeIfAbsent(new Outcome(endpoint.handler(), endpoint.method(), status), _ -> new LongAdder())
                .increment();
    }

    private void measure(Endpoint endpoint, RoutingRequest request, RoutingResponse response, double seconds) {
        Sizes size = sizes.computeIfAbsent(
                endpoint.handler(), _ -> new Sizes(new LongAdder(), new LongAdder(), new LongAdder()));
        size.count().increment();
        size.requestBytes()
                .add(
                        request.headers().contains(HeaderNames.CONTENT_LENGTH)
                                ? request.headers().contentLength().orElse(0)
                                : 0);
        size.responseBytes().add(response.bytesWritten());
        durations.computeIfAbsent(endpoint, _ -> new Histogram(.1, .5, 1)).observe(seconds);
        allDurations.observe(seconds);
    }

    private static String labelsOf(String handler) {
        return PrometheusText.label("handler", handler);
    }

    /** Its families; they carry no engine and no model. */
    void write(PrometheusText out) {
        out.counters("http_requests", "Requests by handler, method and group of status.");
        requests.forEach((outcome, count) -> out.sample("http_requests_total", outcome.labels(), count.sum()));
        out.family("http_request_size_bytes", "summary", "Bodies of requests, by handler.");
        sizes.forEach((handler, size) -> sum(out, "http_request_size_bytes", handler, size, size.requestBytes()));
        out.family("http_response_size_bytes", "summary", "Bodies of answers, by handler.");
        sizes.forEach((handler, size) -> sum(out, "http_response_size_bytes", handler, size, size.responseBytes()));
        out.family("http_request_duration_seconds", "histogram", "Request to last byte of the answer, by handler.");
        durations.forEach((endpoint, histogram) -> out.buckets(
                "http_request_duration_seconds",
                labelsOf(endpoint.handler()) + "," + PrometheusText.label("method", endpoint.method()),
                histogram));
        out.histogram(
                "http_request_duration_highr_seconds", "Request to last byte of the answer, all alike.", allDurations);
    }

    private static void sum(PrometheusText out, String name, String handler, Sizes size, LongAdder bytes) {
        out.sample(name + "_count", labelsOf(handler), size.count().sum());
        out.sample(name + "_sum", labelsOf(handler), bytes.sum());
    }
}
