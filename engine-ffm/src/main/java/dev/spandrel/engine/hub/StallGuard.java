package dev.spandrel.engine.hub;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * Ends a body that brings nothing for too long: the JDK's HTTP client has a limit for the answer's head, none for what
 * follows. Closing the body from another thread wakes the one that reads it.
 */
final class StallGuard implements AutoCloseable {
    private final InputStream body;
    private final Duration most;
    private final ScheduledExecutorService timer;
    private ScheduledFuture<?> end;
    private volatile boolean stalled;

    StallGuard(InputStream body, Duration most, ScheduledExecutorService timer) {
        this.body = body;
        this.most = most;
        this.timer = timer;
    }

    /**
     * As {@link InputStream#read(byte[])}, within the limit.
     *
     * @throws IOException when nothing came for too long
     */
    int read(byte[] buffer) throws IOException {
        end = timer.schedule(this::stall, most.toMillis(), TimeUnit.MILLISECONDS);
        try {
            int read = body.read(buffer);
            if (stalled) {
                throw stalled();
            }
            return read;
        } catch (IOException e) {
            throw stalled ? stalled() : e;
        } finally {
            end.cancel(false);
        }
    }

    private IOException stalled() {
        return new IOException("no byte came for " + most.toSeconds() + " s (HF_HUB_DOWNLOAD_TIMEOUT)");
    }

    private void stall() {
        stalled = true;
        try {
            body.close();
        } catch (IOException e) {
            // The reader hears of the stall; how the connection ended adds nothing.
        }
    }

    @Override
    public void close() throws IOException {
        body.close();
    }
}
