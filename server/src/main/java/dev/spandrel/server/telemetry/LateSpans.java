package dev.spandrel.server.telemetry;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Makes spans that have already ended, on a thread of its own, those of a while together. A span costs some four times as much
 * where the model's weights have gone through the caches since the last one, as they have on a request's thread
 * (docs/decisions/0151); nothing waits for these. Where too many wait, whoever brings the next makes it there and then: none is lost.
 */
final class LateSpans implements Executor, AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(LateSpans.class.getName());

    /** Ended requests, each with its output, that may wait: as many as end in a pause on a fast machine. */
    private static final int MOST = 1024;

    private final Queue<Runnable> waiting = new ArrayBlockingQueue<>(MOST);
    private final AtomicBoolean asked = new AtomicBoolean();
    private final ScheduledExecutorService clock;
    private final Duration pause;

    /** @param pause the longest that a span waits */
    LateSpans(Duration pause) {
        this(
                pause,
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofPlatform().daemon().name("late-spans").factory()));
    }

    /** As the other by another clock, which is shut down at the end. */
    LateSpans(Duration pause, ScheduledExecutorService clock) {
        this.pause = pause;
        this.clock = clock;
    }

    @Override
    public void execute(Runnable spans) {
        if (clock.isShutdown() || !waiting.offer(spans)) {
            spans.run();
        } else if (asked.compareAndSet(false, true)) {
            try {
                clock.schedule(this::make, pause.toNanos(), TimeUnit.NANOSECONDS);
            } catch (RejectedExecutionException e) {
                // Closed in between.
                make();
            }
        }
    }

    private void make() {
        // First, so that what comes from now on is not left waiting.
        asked.set(false);
        for (Runnable spans = waiting.poll(); spans != null; spans = waiting.poll()) {
            try {
                spans.run();
            } catch (RuntimeException e) {
                LOGGER.log(System.Logger.Level.WARNING, "spans of a request could not be made", e);
            }
        }
    }

    /** Makes those that wait; later ones are made by whoever brings them. Closing twice is harmless. */
    @Override
    public void close() {
        clock.shutdownNow();
        make();
    }
}
