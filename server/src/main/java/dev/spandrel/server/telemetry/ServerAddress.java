package dev.spandrel.server.telemetry;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerRequest;
import io.opentelemetry.api.trace.SpanBuilder;

/** Where a client thinks it talks to: as it says in {@code Host}, with the port we listen on where it names none. */
record ServerAddress(String address, long port) {

    static ServerAddress of(ServerRequest request) {
        String authority = request.headers().first(HeaderNames.HOST).orElse("");
        int colon = authority.lastIndexOf(':');
        boolean hasPort = colon > 0 && authority.indexOf(']', colon) < 0;
        String address = hasPort ? authority.substring(0, colon) : authority;
        long port = request.localPeer().port();
        try {
            port = hasPort ? Integer.parseInt(authority.substring(colon + 1)) : port;
        } catch (NumberFormatException e) {
            // Helidon refuses such a Host before it comes here; if it ever does not, the listener's port is true too.
        }
        return new ServerAddress(address, port);
    }

    void set(SpanBuilder span) {
        span.setAttribute(SpanKeys.SERVER_ADDRESS, address);
        span.setAttribute(SpanKeys.SERVER_PORT, port);
    }
}
