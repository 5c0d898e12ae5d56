package dev.spandrel.sidecar;

import dev.spandrel.sidecar.admin.AdminServer;
import dev.spandrel.sidecar.exporter.ExporterConfig;
import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.page.TracePage;
import dev.spandrel.sidecar.receiver.Intake;
import dev.spandrel.sidecar.receiver.OtlpGrpcReceiver;
import dev.spandrel.sidecar.receiver.OtlpHttpReceiver;
import dev.spandrel.sidecar.receiver.ReceiverLimits;
import dev.spandrel.sidecar.transport.EventLoops;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/** The ports of a sidecar: both receivers, health, and the trace page where there is one. */
final class Doors implements AutoCloseable {
    private static final Duration RECEIVER_GRACE = Duration.ofSeconds(2);

    private final SidecarConfig config;
    private final EventLoops loops;
    private final Optional<TracePage> page;
    private OtlpGrpcReceiver grpc;
    private OtlpHttpReceiver http;
    private AdminServer admin;

    /** Opens nothing yet. */
    Doors(SidecarConfig config, EventLoops loops, Optional<TracePage> page) {
        this.config = config;
        this.loops = loops;
        this.page = page;
    }

    /** Refuses settings that name this sidecar as its own backend. */
    static void refuseOwn(SidecarConfig config) throws StartException {
        refuseOwn(config, config.grpcPort(), config.httpPort(), config.healthPort());
    }

    private static void refuseOwn(SidecarConfig config, int grpcPort, int httpPort, int healthPort)
            throws StartException {
        OwnListeners own = new OwnListeners(List.of(
                new InetSocketAddress(config.host(), grpcPort),
                new InetSocketAddress(config.host(), httpPort),
                new InetSocketAddress(config.healthHost(), healthPort)));
        for (Destination destination : config.destinations()) {
            for (Map.Entry<Signal, ExporterConfig> exporter :
                    destination.exporters().entrySet()) {
                if (own.reachedBy(exporter.getValue().endpoint())) {
                    throw new StartException(
                            StartException.USAGE,
                            "the destination of %s, %s, is this sidecar itself; set OTEL_EXPORTER_OTLP_ENDPOINT or --otlp-endpoint to the backend"
                                    .formatted(
                                            exporter.getKey().word(),
                                            exporter.getValue().shown()));
                }
            }
        }
    }

    /** Listens on all of them; where one cannot be had, those before it are open until {@link #close}. */
    void open(Intake intake, ReceiverLimits limits, BooleanSupplier ready, MetricRegistry metrics)
            throws StartException {
        InetSocketAddress grpcAddress = address(config.host(), config.grpcPort());
        InetSocketAddress httpAddress = address(config.host(), config.httpPort());
        InetSocketAddress healthAddress = address(config.healthHost(), config.healthPort());
        grpc = listen("gRPC", grpcAddress, () -> OtlpGrpcReceiver.start(grpcAddress, intake, limits, loops));
        http = listen(
                "HTTP", httpAddress, () -> OtlpHttpReceiver.start(httpAddress, intake, limits, RECEIVER_GRACE, loops));
        admin = listen("health", healthAddress, () -> AdminServer.start(healthAddress, ready, metrics, loops));
        if (page.isPresent()) {
            listen(page.get(), config.page().orElseThrow());
        }
        // what port 0 became is known only now
        refuseOwn(config, grpcPort(), httpPort(), healthPort());
    }

    private static void listen(TracePage page, PageConfig settings) throws StartException {
        InetSocketAddress address = address(settings.host(), settings.port());
        listen("the trace page", address, () -> {
            page.listen(address, settings.token(), settings.example());
            return page;
        });
    }

    private static InetSocketAddress address(String host, int port) throws StartException {
        InetSocketAddress address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
            throw new StartException(StartException.USAGE, "cannot listen on \"" + host + "\": no such host");
        }
        return address;
    }

    /** Something that opens a port. */
    private interface Listener<T> {
        T start() throws IOException;
    }

    private static <T> T listen(String what, InetSocketAddress address, Listener<T> listener) throws StartException {
        try {
            return listener.start();
        } catch (IOException e) {
            throw new StartException(
                    StartException.UNAVAILABLE,
                    "cannot listen on %s:%d for %s: %s"
                            .formatted(address.getHostString(), address.getPort(), what, rootMessage(e)));
        }
    }

    private static String rootMessage(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause.getMessage();
    }

    int grpcPort() {
        return grpc.port();
    }

    int httpPort() {
        return http.port();
    }

    int healthPort() {
        return admin.port();
    }

    int pagePort() {
        return page.orElseThrow().port();
    }

    /** Takes no more telemetry; requests under way are answered. Health goes on to say how it stands. */
    void closeReceivers() throws InterruptedException {
        if (http != null) {
            http.close();
        }
        if (grpc != null) {
            grpc.stop(RECEIVER_GRACE);
        }
    }

    @Override
    public void close() {
        page.ifPresent(TracePage::close);
        if (admin != null) {
            admin.close();
        }
    }
}
