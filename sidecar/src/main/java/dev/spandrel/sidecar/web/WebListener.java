package dev.spandrel.sidecar.web;

import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;

/** One listening web server, HTTP/1.1 in the clear. */
public final class WebListener implements AutoCloseable {
    private final WebServer server;

    private WebListener(WebServer server) {
        this.server = server;
    }

    /**
     * Opens the address; one that is taken or not ours fails with the reason.
     *
     * @param builder with its routing; the address and what every listener of ours shares are set here
     * @param readTimeout after which a connection that sends nothing is closed
     */
    public static WebListener start(WebServerConfig.Builder builder, InetSocketAddress address, Duration readTimeout)
            throws IOException {
        // without tcpNoDelay (off by default in 4.5.0) every small answer waits up to 40 ms for an acknowledgement
        WebServer server = builder.bindAddress(address)
                .shutdownHook(false)
                .featuresDiscoverServices(false)
                .protocolsDiscoverServices(false)
                .addConnectionSelector(Http1ConnectionSelector.builder()
                        .config(Http1Config.create())
                        .build())
                .connectionOptions(options -> options.tcpNoDelay(true).readTimeout(readTimeout))
                .build()
                .start();
        if (!server.isRunning()) {
            throw reason(address);
        }
        return new WebListener(server);
    }

    /** The web server only logs why it did not start, so the address is asked once more. */
    private static IOException reason(InetSocketAddress address) {
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(address);
            return new IOException("the web server did not start");
        } catch (IOException e) {
            return e;
        }
    }

    public int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.stop();
    }
}
