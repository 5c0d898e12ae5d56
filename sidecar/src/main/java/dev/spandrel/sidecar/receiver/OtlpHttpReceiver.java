package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.web.WebListener;
import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.HttpRouting;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;

/** OTLP over HTTP/1.1 on Helidon's web server. Every request has a virtual thread, which waits for the journal. */
public final class OtlpHttpReceiver implements AutoCloseable {
    private final WebListener server;

    private OtlpHttpReceiver(WebListener server) {
        this.server = server;
    }

    /**
     * Listens; an address that is taken or not ours fails.
     *
     * @param grace how long requests under way may take when the receiver is closed
     */
    public static OtlpHttpReceiver start(
            InetSocketAddress address, Intake intake, ReceiverLimits limits, Duration grace) throws IOException {
        HttpRouting.Builder routing = HttpRouting.builder();
        for (Signal signal : Signal.values()) {
            routing.any(signal.httpPath(), new ExportHandler(signal, intake, limits));
        }
        routing.any((request, response) -> ExportHandler.refuse(
                intake,
                request,
                response,
                new OtlpError(
                        OtlpError.Kind.PATH,
                        "no such path; telemetry goes to /v1/traces, /v1/metrics, /v1/logs or "
                                + Signal.PROFILES.httpPath())));
        WebServerConfig.Builder server = WebServer.builder()
                .shutdownGracePeriod(grace)
                .contentEncoding(new RawEncodings())
                .directHandlers(directHandlers(intake))
                .routing(routing);
        return new OtlpHttpReceiver(WebListener.start(server, address, limits.maxRequestTime()));
    }

    /** What the web server refuses before any handler sees it gets a body all the same, and is counted. */
    private static DirectHandlers directHandlers(Intake intake) {
        DirectHandler handler = (request, type, status, headers, message) -> {
            OtlpError error = intake.refuse(new OtlpError(OtlpError.Kind.MALFORMED, message));
            return DirectHandler.TransportResponse.builder()
                    .status(status)
                    .headers(headers)
                    .header(HeaderNames.CONTENT_TYPE, MediaType.PROTOBUF.type())
                    .entity(error.status().toProtobuf())
                    .keepAlive(false)
                    .build();
        };
        DirectHandlers.Builder builder = DirectHandlers.builder();
        builder.addHandler(DirectHandler.EventType.BAD_REQUEST, handler);
        return builder.build();
    }

    public int port() {
        return server.port();
    }

    /** Takes no new requests, lets those under way finish within the grace period. */
    @Override
    public void close() {
        server.close();
    }
}
