package dev.spandrel.sidecar.admin;

import dev.spandrel.sidecar.metrics.MetricRegistry;
import dev.spandrel.sidecar.transport.EventLoops;
import dev.spandrel.sidecar.transport.HttpListener;
import dev.spandrel.sidecar.transport.HttpTimes;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Health and metrics. {@code /live} says the process answers; {@code /ready} and {@code /} say it accepts telemetry and
 * can keep it, whatever the backend does: a pod must not leave its service because a backend is down.
 */
public final class AdminServer implements AutoCloseable {
    private static final HttpTimes TIMES =
            new HttpTimes(Duration.ofSeconds(10), Duration.ofMinutes(2), Duration.ofSeconds(1));

    private final HttpListener listener;

    private AdminServer(HttpListener listener) {
        this.listener = listener;
    }

    /** Listens; an address that is taken or not ours fails. The loops stay their owner's to close. */
    public static AdminServer start(
            InetSocketAddress address, BooleanSupplier ready, MetricRegistry metrics, EventLoops loops)
            throws IOException {
        return new AdminServer(HttpListener.start(address, new AdminService(ready, metrics), TIMES, loops));
    }

    public int port() {
        return listener.port();
    }

    @Override
    public void close() {
        listener.close();
    }
}
