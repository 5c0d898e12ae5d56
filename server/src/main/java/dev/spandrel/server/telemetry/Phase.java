package dev.spandrel.server.telemetry;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestPhases.PrefillChunk;
import dev.spandrel.engine.RequestPhases.Wait;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.server.openai.EndedEmbedding;
import dev.spandrel.server.openai.EndedGeneration;
import java.util.ArrayList;
import java.util.List;

/**
 * A stretch of a request's life. The stretches of one request lie end to end, from arrival to last byte, and so add up to
 * it; a preemption ends one and begins the next wait.
 *
 * @param fromNanos on the engine's clock
 * @param toNanos on the engine's clock
 * @param preempted whether a preemption ended it
 * @param cachedTokens of a prefill, those found in the cache
 * @param chunks of a prefill
 */
record Phase(Kind kind, long fromNanos, long toNanos, boolean preempted, int cachedTokens, List<PrefillChunk> chunks) {
    /** What a request does meanwhile; the name is the span's. */
    enum Kind {
        TOKENIZE,
        QUEUE,
        PREFILL,
        DECODE,
        FINISH
    }

    /**
     * The life of a generation.
     *
     * @param endNanos when its span ends
     */
    static List<Phase> of(EndedGeneration generation, long endNanos) {
        boolean complete = generation.reason() == FinishReason.STOP || generation.reason() == FinishReason.LENGTH;
        return new Life(generation.timings(), generation.phases(), complete, endNanos).phases();
    }

    /** The life of an embedding, which is over with its prefill. */
    static List<Phase> of(EndedEmbedding embedding, long endNanos) {
        return new Life(embedding.timings(), embedding.phases(), false, endNanos).phases();
    }

    /** Walks through the stamps once. */
    private static final class Life {
        private final RequestTimings timings;
        private final RequestPhases stamps;
        private final long endNanos;
        private final long computedNanos;
        private final List<Phase> phases = new ArrayList<>();

        Life(RequestTimings timings, RequestPhases stamps, boolean complete, long endNanos) {
            this.timings = timings;
            this.stamps = stamps;
            this.endNanos = endNanos;
            boolean tokens = timings.lastTokenNanos() != RequestTimings.NOT_REACHED;
            long finished = timings.finishedNanos() == RequestTimings.NOT_REACHED ? endNanos : timings.finishedNanos();
            // What a cut-short request was in, it was in until somebody ended it.
            this.computedNanos = Math.min(endNanos, complete && tokens ? timings.lastTokenNanos() : finished);
        }

        List<Phase> phases() {
            add(Kind.TOKENIZE, timings.arrivalNanos(), Math.min(timings.queuedNanos(), computedNanos));
            List<Wait> waits = stamps.waits();
            for (int i = 0; i < waits.size() && waits.get(i).fromNanos() < computedNanos; i++) {
                long next = i + 1 < waits.size() ? until(waits.get(i + 1).fromNanos()) : computedNanos;
                stay(waits.get(i), next, next < computedNanos);
            }
            add(Kind.FINISH, computedNanos, endNanos);
            return phases;
        }

        /** A wait and what came of it, until the next wait or the end. */
        private void stay(Wait wait, long next, boolean preempted) {
            add(Kind.QUEUE, wait.fromNanos(), until(wait.toNanos()));
            if (wait.toNanos() == RequestTimings.NOT_REACHED || wait.toNanos() >= computedNanos) {
                return;
            }
            List<PrefillChunk> chunks = stamps.prefillChunks().stream()
                    .filter(chunk -> chunk.startNanos() >= wait.toNanos() && chunk.startNanos() < next)
                    .toList();
            boolean whole = !chunks.isEmpty() && chunks.getLast().sampled();
            long prefilled = whole ? Math.min(chunks.getLast().endNanos(), next) : next;
            boolean decodes = prefilled < next;
            phases.add(new Phase(
                    Kind.PREFILL, wait.toNanos(), prefilled, preempted && !decodes, wait.cachedTokens(), chunks));
            if (decodes) {
                phases.add(new Phase(Kind.DECODE, prefilled, next, preempted, 0, List.of()));
            }
        }

        private long until(long nanos) {
            return nanos == RequestTimings.NOT_REACHED ? computedNanos : Math.min(nanos, computedNanos);
        }

        private void add(Kind kind, long from, long to) {
            phases.add(new Phase(kind, from, to, false, 0, List.of()));
        }
    }
}
