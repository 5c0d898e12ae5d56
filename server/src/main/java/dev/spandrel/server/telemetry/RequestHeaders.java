package dev.spandrel.server.telemetry;

import io.helidon.http.HeaderNames;
import io.helidon.http.Headers;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;

/**
 * Reads the W3C trace context from Helidon's headers. As in vLLM no other propagator and no setting has a say; a
 * malformed header gives an empty context, hence a new root.
 */
final class RequestHeaders implements TextMapGetter<Headers> {
    private static final RequestHeaders GETTER = new RequestHeaders();

    private RequestHeaders() {}

    static Context context(Headers headers) {
        return W3CTraceContextPropagator.getInstance().extract(Context.root(), headers, GETTER);
    }

    @Override
    public String get(Headers carrier, String key) {
        return carrier == null ? null : carrier.first(HeaderNames.create(key)).orElse(null);
    }
}
