package dev.spandrel.server.telemetry;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import io.opentelemetry.api.trace.SpanBuilder;

/**
 * Where a client thinks it talks to: as it says in {@code Host}, with the port we listen on where it names none. Taken when
 * the request arrives: a connection that has been closed has no addresses any more.
 */
record ServerAddress(String address, long port) {
    /** What was taken at the arrival of a request, or is taken now. */
    static ServerAddress arrived(ServerRequest request) {
        return request.context().get(ServerAddress.class).orElseGet(() -> {
            ServerAddress address = of(request);
            request.context().register(address);
            return address;
        });
    }

    private static ServerAddress of(ServerRequest request) {
        String authority = request.headers().first(HeaderNames.HOST).orElse("");
        int colon = authority.lastIndexOf(':');
        boolean hasPort = colon > 0 && authority.indexOf(']', colon) < 0;
        String address = hasPort ? authority.substring(0, colon) : authority;
        if (hasPort) {
            try {
                return new ServerAddress(address, Integer.parseInt(authority.substring(colon + 1)));
            } catch (NumberFormatException e) {
                // Helidon refuses such a Host before it comes here; if it ever does not, the listener's port is true
                // too.
            }
        }
        return new ServerAddress(address, request.localPeer().port());
    }

    void set(SpanBuilder span) {
        span.setAttribute(SpanKeys.SERVER_ADDRESS, address);
        span.setAttribute(SpanKeys.SERVER_PORT, port);
    }
}
