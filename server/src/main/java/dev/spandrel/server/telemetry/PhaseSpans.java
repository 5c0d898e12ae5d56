package dev.spandrel.server.telemetry;

import dev.spandrel.engine.RequestPhases;
import dev.spandrel.engine.RequestPhases.PrefillChunk;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.server.openai.EndedEmbedding;
import dev.spandrel.server.openai.EndedGeneration;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * The children of {@code llm_request}: a span per {@link Phase}, a span per chunk below each prefill, and events on decodes.
 * All times come from the engine's clock by the request's one anchor.
 */
final class PhaseSpans {
    private static final String CHUNK = "prefill_chunk";
    private static final String PREEMPTED = "preempted";
    private static final String TOKENS = "tokens";

    private final Tracer tracer;
    private final int tokenInterval;

    PhaseSpans(Tracer tracer, int tokenInterval) {
        this.tracer = tracer;
        this.tokenInterval = tokenInterval;
    }

    /** Makes them all. */
    void record(Context request, EndedGeneration generation, ClockAnchor anchor, long endNanos) {
        record(request, Phase.of(generation, endNanos), generation.phases(), generation.tokenNanos(), anchor);
    }

    /** Those of an embedding. */
    void record(Context request, EndedEmbedding embedding, ClockAnchor anchor, long endNanos) {
        record(request, Phase.of(embedding, endNanos), embedding.phases(), List.of(), anchor);
    }

    private void record(
            Context request, List<Phase> phases, RequestPhases stamps, List<Long> tokenNanos, ClockAnchor anchor) {
        for (Phase phase : phases) {
            Span span = start(request, phase.kind().name().toLowerCase(Locale.ROOT), phase.fromNanos(), anchor);
            switch (phase.kind()) {
                case TOKENIZE ->
                    span.setAttribute(
                            SpanKeys.TOKENIZE_TIME,
                            RequestTimings.seconds(stamps.tokenizeStartNanos(), stamps.tokenizeEndNanos()));
                case PREFILL -> prefill(request.with(span), span, phase, anchor);
                case DECODE -> tokens(span, phase, tokenNanos, anchor);
                case QUEUE, FINISH -> {}
            }
            if (phase.preempted()) {
                span.addEvent(PREEMPTED, anchor.epochNanosAt(phase.toNanos()), TimeUnit.NANOSECONDS);
            }
            span.end(anchor.epochNanosAt(phase.toNanos()), TimeUnit.NANOSECONDS);
        }
    }

    private Span start(Context parent, String name, long nanos, ClockAnchor anchor) {
        return tracer.spanBuilder(name)
                .setParent(parent)
                .setSpanKind(SpanKind.INTERNAL)
                .setStartTimestamp(anchor.epochNanosAt(nanos), TimeUnit.NANOSECONDS)
                .startSpan();
    }

    private void prefill(Context prefill, Span span, Phase phase, ClockAnchor anchor) {
        span.setAttribute(
                SpanKeys.TOKENS,
                phase.chunks().stream().mapToLong(PrefillChunk::tokens).sum());
        span.setAttribute(SpanKeys.TOKENS_CACHED, (long) phase.cachedTokens());
        span.setAttribute(SpanKeys.CHUNKS, (long) phase.chunks().size());
        int cached = phase.cachedTokens();
        for (PrefillChunk chunk : phase.chunks()) {
            Span child = start(prefill, CHUNK, chunk.startNanos(), anchor);
            child.setAttribute(SpanKeys.STEP, chunk.step());
            child.setAttribute(SpanKeys.TOKENS, (long) chunk.tokens());
            // What the cache had lies before the first chunk.
            child.setAttribute(SpanKeys.TOKENS_CACHED, (long) cached);
            cached = 0;
            child.end(anchor.epochNanosAt(Math.min(chunk.endNanos(), phase.toNanos())), TimeUnit.NANOSECONDS);
        }
    }

    private void tokens(Span span, Phase phase, List<Long> nanos, ClockAnchor anchor) {
        if (tokenInterval == 0) {
            return;
        }
        for (int last = tokenInterval; last < nanos.size(); last += tokenInterval) {
            if (nanos.get(last) > phase.fromNanos() && nanos.get(last) <= phase.toNanos()) {
                span.addEvent(
                        TOKENS,
                        interval(nanos, last - tokenInterval, last),
                        anchor.epochNanosAt(nanos.get(last)),
                        TimeUnit.NANOSECONDS);
            }
        }
    }

    /** Latency between the tokens from one index to another, both included. */
    private static Attributes interval(List<Long> nanos, int first, int last) {
        long most = 0;
        for (int i = first + 1; i <= last; i++) {
            most = Math.max(most, nanos.get(i) - nanos.get(i - 1));
        }
        return Attributes.of(
                SpanKeys.TOKEN_INDEX,
                (long) last,
                SpanKeys.INTER_TOKEN,
                (nanos.get(last) - nanos.get(first)) / 1e9 / (last - first),
                SpanKeys.INTER_TOKEN_MAX,
                most / 1e9);
    }
}
