package dev.spandrel.engine.runner;

import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestPhases.PrefillChunk;
import dev.spandrel.engine.RequestPhases.Wait;
import dev.spandrel.engine.RequestTimings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What happened to one request between queue and last token, as numbers in one array: the engine thread appends, any
 * thread reads up to a count that is written last. A token of decoding costs three additions and no room.
 */
final class RequestLog {
    /** Waits and chunks kept of one request; a prompt of a million tokens has fewer chunks. */
    static final int LIMIT = 4096;

    /** Numbers per entry: kind, start, end, step, tokens. */
    private static final int STRIDE = 5;

    private static final long ADMITTED = 0;
    private static final long PREEMPTED = 1;
    private static final long CHUNK = 2;
    private static final long LAST_CHUNK = 3;

    private final long tokenizeNanos;
    private final long queuedNanos;
    private long[] entries = new long[4 * STRIDE];
    private volatile int count;
    private boolean truncated;
    private boolean prefilling;
    private long schedulerNanos;
    private long forwardNanos;
    private long executeNanos;
    private long stepNanos;
    private long stepEndNanos;

    RequestLog(long tokenizeNanos, long queuedNanos) {
        this.tokenizeNanos = tokenizeNanos;
        this.queuedNanos = queuedNanos;
    }

    void admitted(long nanos, int cachedTokens) {
        prefilling = true;
        add(ADMITTED, nanos, nanos, 0, cachedTokens);
    }

    void preempted(long nanos) {
        prefilling = false;
        add(PREEMPTED, nanos, nanos, 0, 0);
    }

    /** It was in a step; times are those of {@link dev.spandrel.engine.StepRecord}. */
    void step(long start, long scheduled, long forward, long end) {
        schedulerNanos += scheduled - start;
        forwardNanos += forward - scheduled;
        executeNanos += end - scheduled;
        stepNanos = scheduled;
        stepEndNanos = end;
    }

    /** What the step computed of it; only prefill is kept one by one. */
    void computed(long step, int tokens, boolean sampled) {
        if (prefilling) {
            add(sampled ? LAST_CHUNK : CHUNK, stepNanos, stepEndNanos, step, tokens);
            prefilling = !sampled;
        }
    }

    private void add(long kind, long start, long end, long step, long tokens) {
        int at = count * STRIDE;
        if (count == LIMIT) {
            truncated = true;
            return;
        }
        if (at == entries.length) {
            entries = Arrays.copyOf(entries, 2 * at);
        }
        entries[at] = kind;
        entries[at + 1] = start;
        entries[at + 2] = end;
        entries[at + 3] = step;
        entries[at + 4] = tokens;
        count++;
    }

    RequestPhases phases() {
        int known = count;
        long[] seen = entries;
        List<Wait> waits = new ArrayList<>();
        List<PrefillChunk> chunks = new ArrayList<>();
        long waitingSince = queuedNanos;
        for (int at = 0; at < known * STRIDE; at += STRIDE) {
            long kind = seen[at];
            if (kind == PREEMPTED) {
                waitingSince = seen[at + 1];
            } else if (kind == ADMITTED) {
                waits.add(new Wait(waitingSince, seen[at + 1], (int) seen[at + 4]));
                waitingSince = RequestTimings.NOT_REACHED;
            } else {
                chunks.add(new PrefillChunk(
                        seen[at + 3], seen[at + 1], seen[at + 2], (int) seen[at + 4], kind == LAST_CHUNK));
            }
        }
        if (waitingSince != RequestTimings.NOT_REACHED) {
            waits.add(new Wait(waitingSince, RequestTimings.NOT_REACHED, 0));
        }
        return new RequestPhases(
                tokenizeNanos, queuedNanos, waits, chunks, schedulerNanos, forwardNanos, executeNanos, truncated);
    }
}
