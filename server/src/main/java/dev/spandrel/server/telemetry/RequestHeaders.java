package dev.spandrel.server.telemetry;

import io.helidon.http.HeaderNames;
import io.helidon.http.Headers;
import io.opentelemetry.context.propagation.TextMapGetter;

/** Lets propagators read Helidon's headers. */
final class RequestHeaders implements TextMapGetter<Headers> {
    static final RequestHeaders GETTER = new RequestHeaders();

    private RequestHeaders() {}

    // Deprecated in the API, and yet the only way Jaeger's propagator finds its baggage.
    @SuppressWarnings("deprecation")
    @Override
    public Iterable<String> keys(Headers carrier) {
        return carrier.stream().map(header -> header.headerName().lowerCase()).toList();
    }

    @Override
    public String get(Headers carrier, String key) {
        return carrier == null ? null : carrier.first(HeaderNames.create(key)).orElse(null);
    }
}
