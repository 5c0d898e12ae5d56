package dev.spandrel.sidecar.receiver;

import dev.spandrel.sidecar.transport.EventLoops;
import dev.spandrel.sidecar.transport.HttpListener;
import dev.spandrel.sidecar.transport.HttpTimes;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;

/** OTLP over HTTP/1.1. A request is answered by the thread that made it safe, so no thread waits. */
public final class OtlpHttpReceiver implements AutoCloseable {
    /** Longer than SDKs wait between two exports of metrics (60 s), so that their connections last. */
    private static final Duration IDLE = Duration.ofMinutes(2);

    private final HttpListener listener;

    private OtlpHttpReceiver(HttpListener listener) {
        this.listener = listener;
    }

    /**
     * Listens; an address that is taken or not ours fails. The loops stay their owner's to close.
     *
     * @param grace how long requests under way may take when the receiver is closed
     */
    public static OtlpHttpReceiver start(
            InetSocketAddress address, Intake intake, ReceiverLimits limits, Duration grace, EventLoops loops)
            throws IOException {
        HttpTimes times = new HttpTimes(limits.maxRequestTime(), IDLE, grace);
        return new OtlpHttpReceiver(HttpListener.start(address, new OtlpHttpService(intake, limits), times, loops));
    }

    public int port() {
        return listener.port();
    }

    /** Takes no new requests, lets those under way finish within the grace period. */
    @Override
    public void close() {
        listener.close();
    }
}
