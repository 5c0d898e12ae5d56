package dev.spandrel.server.http;

import io.helidon.common.concurrency.limits.Limit;
import io.helidon.common.task.InterruptableTask;
import io.helidon.webserver.spi.ServerConnection;
import java.time.Duration;

/** Helidon's connection, run with its {@link ClientConnection} in scope; never idle while a request is watched. */
final class WatchedConnection implements ServerConnection, InterruptableTask<Void> {
    private final ClientConnection client;
    private final ServerConnection http1;

    WatchedConnection(ClientConnection client, ServerConnection http1) {
        this.client = client;
        this.http1 = http1;
    }

    @Override
    public void handle(Limit limit) throws InterruptedException {
        ScopedValue.where(ClientConnection.scope(), client).<Void, InterruptedException>call(() -> {
            http1.handle(limit);
            return null;
        });
    }

    /** Helidon counts from the start of a request; a generation of an hour is not an hour idle. */
    @Override
    public Duration idleTime() {
        return client.watched() ? Duration.ZERO : http1.idleTime();
    }

    @Override
    public void close(boolean interrupt) {
        http1.close(interrupt);
    }

    @Override
    public boolean canInterrupt() {
        return http1 instanceof InterruptableTask<?> task && task.canInterrupt();
    }
}
