package dev.spandrel.server;

import dev.spandrel.server.http.CloseWhenSaid;
import dev.spandrel.server.http.Cors;
import dev.spandrel.server.http.RootPath;
import dev.spandrel.server.http.WatchedHttp1Selector;
import dev.spandrel.server.openai.ApiContext;
import dev.spandrel.server.openai.ApiKeys;
import dev.spandrel.server.openai.ChatCompletionsService;
import dev.spandrel.server.openai.CompletionsService;
import dev.spandrel.server.openai.EmbeddingsService;
import dev.spandrel.server.openai.ErrorResponses;
import dev.spandrel.server.openai.HealthService;
import dev.spandrel.server.openai.InvocationsService;
import dev.spandrel.server.openai.LoadReport;
import dev.spandrel.server.openai.LoadService;
import dev.spandrel.server.openai.ModelsService;
import dev.spandrel.server.openai.OpenApiService;
import dev.spandrel.server.openai.RequestLimit;
import dev.spandrel.server.openai.ResponsesService;
import dev.spandrel.server.openai.TokenizeService;
import dev.spandrel.server.openai.TokenizerInfoService;
import dev.spandrel.server.telemetry.EngineMetrics;
import dev.spandrel.server.telemetry.HttpMetrics;
import dev.spandrel.server.telemetry.MetricsService;
import io.helidon.http.encoding.ContentEncodingContext;
import io.helidon.http.media.MediaContext;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.HttpRouting;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which path is answered by whom, and how Helidon listens: HTTP/1.1 only, nothing discovered from the class path. */
final class ApiRouting {
    /** Every path and the methods it takes; the rest is 405 on these and 404 elsewhere. */
    private static final Map<String, String> METHODS = methods();

    private ApiRouting() {}

    private static Map<String, String> methods() {
        Map<String, String> methods = new LinkedHashMap<>();
        methods.put(CompletionsService.PATH, "POST");
        methods.put(ChatCompletionsService.PATH, "POST");
        methods.put(ChatCompletionsService.BATCH, "POST");
        methods.put(ResponsesService.PATH, "POST");
        methods.put(EmbeddingsService.PATH, "POST");
        methods.put(TokenizeService.TOKENIZE, "POST");
        methods.put(TokenizeService.DETOKENIZE, "POST");
        methods.put(InvocationsService.PATH, "POST");
        methods.put(ModelsService.PATH, "GET");
        methods.put(TokenizerInfoService.PATH, "GET");
        methods.put("/health", "GET");
        methods.put("/ping", "GET, POST");
        methods.put("/version", "GET");
        methods.put(LoadService.PATH, "GET");
        methods.put(MetricsService.PATH, "GET");
        methods.put(OpenApiService.PATH, "GET");
        methods.put(OpenApiService.DOCS_PATH, "GET");
        return methods;
    }

    /** Every path with the methods it takes, separated by commas. */
    static Map<String, String> methodsByPath() {
        return Collections.unmodifiableMap(METHODS);
    }

    /** Paths without parameters, as {@code http.route} names them. */
    static Set<String> routes() {
        return METHODS.keySet();
    }

    /** A listener and a routing that only lack what needs a loaded model. */
    record Prepared(WebServerConfig.Builder server, HttpRouting.Builder routing) {}

    /** Does what can be done without a model; the first call costs some 200 ms of class loading. */
    static Prepared prepare(ListenerSettings settings) {
        WebServerConfig.Builder server = WebServer.builder();
        configure(server, settings);
        HttpRouting.Builder routing = HttpRouting.builder();
        routing.addFilter(new CloseWhenSaid());
        ErrorResponses.register(routing);
        return new Prepared(server, routing);
    }

    /**
     * Adds services and what runs around them.
     *
     * @param filters run around every request, in order; inside of them those that may refuse one
     */
    static HttpRouting.Builder complete(
            HttpRouting.Builder routing,
            ApiContext api,
            EngineMetrics metrics,
            List<Filter> filters,
            ListenerSettings settings) {
        if (!settings.rootPath().isEmpty()) {
            routing.addFilter(new RootPath(settings.rootPath()));
        }
        HttpMetrics http = new HttpMetrics(routes(), api.nanoClock());
        metrics.http(http);
        routing.addFilter(http);
        filters.forEach(routing::addFilter);
        RequestLimit limit = new RequestLimit(settings.maxConcurrentRequests());
        guard(routing, settings, limit);
        routing.addFilter(new LoadReport(api.engine()));
        routing.register(LoadService.PATH, new LoadService(limit));
        routing.register(CompletionsService.PATH, new CompletionsService(api));
        routing.register(ChatCompletionsService.PATH, new ChatCompletionsService(api));
        routing.register(ResponsesService.PATH, new ResponsesService(api));
        routing.register(EmbeddingsService.PATH, new EmbeddingsService(api));
        routing.register(new TokenizeService(api));
        routing.register(InvocationsService.PATH, new InvocationsService(api));
        routing.register(ModelsService.PATH, new ModelsService(api.model()));
        routing.register(
                MetricsService.PATH,
                new MetricsService(metrics, api.engine(), api.model().names().getFirst()));
        routing.register(new HealthService(api));
        Map<String, String> methods = new LinkedHashMap<>(METHODS);
        if (api.model().settings().tokenizerInfo()) {
            routing.register(new TokenizerInfoService(api));
        } else {
            methods.remove(TokenizerInfoService.PATH);
        }
        if (settings.docs()) {
            routing.register(new OpenApiService(api.model().version(), settings.rootPath()));
        } else {
            methods.keySet().removeAll(Set.of(OpenApiService.PATH, OpenApiService.DOCS_PATH));
        }
        methods.forEach((path, allowed) -> routing.any(
                path, (request, response) -> ErrorResponses.methodNotAllowed(request, response, path, allowed)));
        return routing;
    }

    /** Browsers first, since a preflight brings no key; then who is refused for a key does not count as load. */
    private static void guard(HttpRouting.Builder routing, ListenerSettings settings, RequestLimit limit) {
        routing.addFilter(new Cors(settings.cors()));
        if (!settings.apiKeys().isEmpty()) {
            routing.addFilter(new ApiKeys(settings.apiKeys()));
        }
        routing.addFilter(limit);
    }

    /** What every listener of this API has. */
    static void configure(WebServerConfig.Builder server, ListenerSettings settings) {
        server.protocolsDiscoverServices(false)
                .featuresDiscoverServices(false)
                .addConnectionSelector(new WatchedHttp1Selector(settings.maxHeaderBytes()))
                .directHandlers(ErrorResponses.direct())
                // Helidon's reason for a 400 goes to the client; those of a 500 we hold back ourselves.
                .errorHandling(handling -> handling.includeEntity(true))
                .contentEncoding(ContentEncodingContext.builder()
                        .contentEncodingsDiscoverServices(false)
                        .build())
                .mediaContext(MediaContext.builder()
                        .mediaSupportsDiscoverServices(false)
                        .build())
                .maxPayloadSize(settings.maxBodyBytes())
                // Off by default in Helidon; with Nagle's algorithm a token waits for the last one's acknowledgement.
                .connectionOptions(options -> options.tcpNoDelay(true));
    }
}
