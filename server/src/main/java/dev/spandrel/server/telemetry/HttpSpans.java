package dev.spandrel.server.telemetry;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * One SERVER span per HTTP request, to the OpenTelemetry semantic conventions for HTTP (stable since 1.23). The handler
 * blocks its virtual thread until the last byte, so the span ends when the stream does. Helidon's own telemetry is not
 * used: docs/decisions/0001.
 */
public final class HttpSpans implements Filter {
    static final AttributeKey<String> METHOD = AttributeKey.stringKey("http.request.method");
    static final AttributeKey<String> METHOD_ORIGINAL = AttributeKey.stringKey("http.request.method_original");
    static final AttributeKey<String> ROUTE = AttributeKey.stringKey("http.route");
    static final AttributeKey<Long> STATUS = AttributeKey.longKey("http.response.status_code");
    static final AttributeKey<String> PATH = AttributeKey.stringKey("url.path");
    static final AttributeKey<String> QUERY = AttributeKey.stringKey("url.query");
    static final AttributeKey<String> SCHEME = AttributeKey.stringKey("url.scheme");
    static final AttributeKey<String> CLIENT_ADDRESS = AttributeKey.stringKey("client.address");
    static final AttributeKey<String> PROTOCOL_VERSION = AttributeKey.stringKey("network.protocol.version");
    static final AttributeKey<String> USER_AGENT = AttributeKey.stringKey("user_agent.original");

    private static final Set<String> METHODS =
            Set.of("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH");

    /** What probes and scrapers ask every few seconds explains no request; vLLM leaves them out of its counts too. */
    private static final Set<String> UNTRACED = Set.of("/health", "/ping", "/version", "/metrics");

    private final Telemetry telemetry;
    private final Tracer tracer;
    private final Set<String> routes;
    private final InstantSource wall;
    private final LongSupplier nanoClock;

    /**
     * A filter for routes without parameters.
     *
     * @param routes paths the server knows; any other gets a span named by its method only
     */
    public HttpSpans(Telemetry telemetry, Set<String> routes, InstantSource wall, LongSupplier nanoClock) {
        this.telemetry = telemetry;
        this.tracer = telemetry.tracer();
        this.routes = Set.copyOf(routes);
        this.wall = wall;
        this.nanoClock = nanoClock;
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        if (UNTRACED.contains(request.path().path())) {
            chain.proceed();
            return;
        }
        ClockAnchor anchor = ClockAnchor.take(wall, nanoClock);
        Context around = Context.current();
        if (Span.fromContext(around).getSpanContext().isValid()) {
            // An agent has made the HTTP span already.
            request.context().register(new RequestSpan(around, anchor));
            TraceResponse.set(response, Span.fromContext(around).getSpanContext());
            chain.proceed();
            return;
        }
        Context parent = telemetry.context(request.headers());
        Span span = start(request, parent, anchor);
        Context context = parent.with(span);
        request.context().register(new RequestSpan(context, anchor));
        TraceResponse.set(response, span.getSpanContext());
        String failure = null;
        // Current, so that what is logged meanwhile names it.
        try (Scope _ = context.makeCurrent()) {
            chain.proceed();
        } catch (CloseConnectionException e) {
            failure = "connection_closed";
            throw e;
        } finally {
            end(span, response, failure);
            span.end(anchor.epochNanosAt(nanoClock.getAsLong()), TimeUnit.NANOSECONDS);
        }
    }

    private Span start(RoutingRequest request, Context parent, ClockAnchor anchor) {
        String original = request.prologue().method().text();
        String method = METHODS.contains(original) ? original : "_OTHER";
        String path = request.path().path();
        String named = METHODS.contains(original) ? original : "HTTP";
        SpanBuilder builder = tracer.spanBuilder(routes.contains(path) ? named + " " + path : named)
                .setParent(parent)
                .setSpanKind(SpanKind.SERVER)
                .setStartTimestamp(anchor.epochNanos(), TimeUnit.NANOSECONDS)
                .setAttribute(METHOD, method)
                .setAttribute(PATH, path)
                .setAttribute(SCHEME, request.isSecure() ? "https" : "http")
                .setAttribute(CLIENT_ADDRESS, request.remotePeer().host())
                .setAttribute(PROTOCOL_VERSION, request.prologue().protocolVersion());
        if (!method.equals(original)) {
            builder.setAttribute(METHOD_ORIGINAL, original);
        }
        if (routes.contains(path)) {
            builder.setAttribute(ROUTE, path);
        }
        if (request.prologue().query().rawValue() instanceof String query && !query.isEmpty()) {
            builder.setAttribute(QUERY, query);
        }
        request.headers().first(HeaderNames.USER_AGENT).ifPresent(agent -> builder.setAttribute(USER_AGENT, agent));
        ServerAddress.arrived(request).set(builder);
        return builder.startSpan();
    }

    private static void end(Span span, RoutingResponse response, String failure) {
        if (failure == null || response.isSent()) {
            int status = response.status().code();
            span.setAttribute(STATUS, (long) status);
            if (status >= 500) {
                span.setAttribute(SpanKeys.ERROR_TYPE, String.valueOf(status));
                span.setStatus(StatusCode.ERROR);
            }
        }
        if (failure != null) {
            span.setAttribute(SpanKeys.ERROR_TYPE, failure);
        }
    }
}
