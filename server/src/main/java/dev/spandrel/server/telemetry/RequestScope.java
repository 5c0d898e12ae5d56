package dev.spandrel.server.telemetry;

import io.helidon.webserver.http.Filter;
import io.helidon.webserver.http.FilterChain;
import io.helidon.webserver.http.RoutingRequest;
import io.helidon.webserver.http.RoutingResponse;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.time.InstantSource;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Stands in for {@link HttpSpans} under {@code --no-http-spans}: log lines and the {@code traceresponse} header of a
 * generating endpoint then name its first {@code llm_request}.
 */
public final class RequestScope implements Filter {
    private final Telemetry telemetry;
    private final Set<String> paths;
    private final InstantSource wall;
    private final LongSupplier nanoClock;

    /** @param paths of the generating endpoints */
    public RequestScope(Telemetry telemetry, Set<String> paths, InstantSource wall, LongSupplier nanoClock) {
        this.telemetry = telemetry;
        this.paths = Set.copyOf(paths);
        this.wall = wall;
        this.nanoClock = nanoClock;
    }

    @Override
    public void filter(FilterChain chain, RoutingRequest request, RoutingResponse response) {
        if (!telemetry.ownIds() || !paths.contains(request.path().path())) {
            chain.proceed();
            return;
        }
        ArrivedRequest arrived = new ArrivedRequest(
                telemetry.context(request.headers()), ClockAnchor.take(wall, nanoClock), telemetry.ids());
        request.context().register(arrived);
        TraceResponse.set(response, arrived.span(0));
        Context context = arrived.parent().with(Span.wrap(arrived.span(0)));
        try (Scope _ = context.makeCurrent()) {
            chain.proceed();
        }
    }
}
