package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bounds the requests that were submitted and never yet in a step, and tells those it turns away when to come back, from the
 * pace at which others were let in. Any thread enters; the engine thread lets leave.
 */
final class WaitingLine {
    private static final Duration SOONEST = Duration.ofSeconds(1);
    private static final Duration LATEST = Duration.ofSeconds(60);
    /** Weight of the newest gap between two admissions: about the last ten count. */
    private static final double NEWEST = 0.1;

    private final int most;
    private final AtomicInteger waiting = new AtomicInteger();
    private volatile double gapNanos;
    private volatile long lastNanos;

    WaitingLine(int most, long nowNanos) {
        this.most = most;
        this.lastNanos = nowNanos;
    }

    /**
     * Takes a place.
     *
     * @throws EngineException.Rejected when all are taken
     */
    void enter(long nowNanos) {
        int place = waiting.incrementAndGet();
        if (place == 1) {
            // Nobody was let in because nobody stood here: that is no pace.
            lastNanos = nowNanos;
        }
        if (place > most) {
            waiting.decrementAndGet();
            Duration retryAfter = retryAfter(nowNanos);
            throw new EngineException.Rejected(
                    "The waiting queue is full with " + most + " requests; try again in " + retryAfter.toSeconds()
                            + " s",
                    retryAfter);
        }
    }

    /** A request was let in for the first time. */
    void admitted(long nowNanos) {
        waiting.decrementAndGet();
        double gap = nowNanos - lastNanos;
        gapNanos = gapNanos == 0 ? gap : gapNanos + NEWEST * (gap - gapNanos);
        lastNanos = nowNanos;
    }

    /** A request ended without ever being let in. */
    void left() {
        waiting.decrementAndGet();
    }

    /** Requests in the line. */
    int waiting() {
        return waiting.get();
    }

    /** The time in which half of the line moves on, by the pace so far; whole seconds, 1 to 60. */
    Duration retryAfter(long nowNanos) {
        // When nobody was let in for longer than usual, the pace is at most that.
        double gap = Math.max(gapNanos, nowNanos - lastNanos);
        long seconds = (long) Math.ceil(gap * most / 2 / 1e9);
        return Duration.ofSeconds(Math.clamp(seconds, SOONEST.toSeconds(), LATEST.toSeconds()));
    }
}
