package dev.spandrel.server.http;

import io.helidon.common.buffers.BufferData;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.helidon.webserver.spi.ServerConnection;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.util.Set;

/**
 * Helidon's HTTP/1.1 with a {@link ClientConnection} between the socket and the parser. Register it on a listener with
 * {@code addConnectionSelector} and switch off protocol discovery, so that every connection passes here.
 */
public final class WatchedHttp1Selector implements ServerConnectionSelector {
    private final Http1ConnectionSelector http1;

    /** @param maxHeaderBytes largest head of a request; a larger one is answered 431 */
    public WatchedHttp1Selector(int maxHeaderBytes) {
        http1 = Http1ConnectionSelector.builder()
                .config(Http1Config.builder().maxHeadersSize(maxHeaderBytes).build())
                .build();
    }

    @Override
    public int bytesToIdentifyConnection() {
        return http1.bytesToIdentifyConnection();
    }

    @Override
    public Support supports(BufferData data) {
        return http1.supports(data);
    }

    @Override
    public Set<String> supportedApplicationProtocols() {
        return http1.supportedApplicationProtocols();
    }

    @Override
    public ServerConnection connection(ConnectionContext context) {
        ClientConnection client = new ClientConnection(context.dataReader());
        return new WatchedConnection(client, http1.connection(new WatchedContext(context, client)));
    }
}
