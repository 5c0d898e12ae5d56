package dev.spandrel.sidecar.admin;

import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.web.WebListener;
import io.helidon.http.HeaderNames;
import io.helidon.http.Status;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Health and metrics. {@code /live} says the process answers; {@code /ready} and {@code /} say it accepts telemetry and
 * can keep it, whatever the backend does: a pod must not leave its service because a backend is down.
 */
public final class AdminServer implements AutoCloseable {
    private static final Duration GRACE = Duration.ofSeconds(1);
    private static final Duration READ_TIMEOUT = Duration.ofMinutes(2);

    private final WebListener server;

    private AdminServer(WebListener server) {
        this.server = server;
    }

    /** Listens; an address that is taken or not ours fails. */
    public static AdminServer start(InetSocketAddress address, BooleanSupplier ready, MetricRegistry metrics)
            throws IOException {
        HttpRouting.Builder routing = HttpRouting.builder()
                .get("/live", (_, response) -> text(response, Status.OK_200, "live\n"))
                .get("/ready", (_, response) -> ready(response, ready))
                .get("/", (_, response) -> ready(response, ready))
                .get("/metrics", (_, response) -> text(response, Status.OK_200, metrics.prometheusText()));
        WebServerConfig.Builder server =
                WebServer.builder().shutdownGracePeriod(GRACE).routing(routing);
        return new AdminServer(WebListener.start(server, address, READ_TIMEOUT));
    }

    private static void ready(ServerResponse response, BooleanSupplier ready) {
        if (ready.getAsBoolean()) {
            text(response, Status.OK_200, "ready\n");
        } else {
            text(response, Status.SERVICE_UNAVAILABLE_503, "not ready\n");
        }
    }

    private static void text(ServerResponse response, Status status, String text) {
        response.status(status)
                .header(HeaderNames.CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")
                .send(text);
    }

    public int port() {
        return server.port();
    }

    @Override
    public void close() {
        server.close();
    }
}
