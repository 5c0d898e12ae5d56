package dev.spandrel.server.telemetry;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.IdGenerator;

/**
 * The ids of spans that are named before they exist: drawn when a request arrives, so that steps, exemplars and log lines
 * can point at its {@code llm_request}, and handed to the SDK when the span is built after the last byte. All other ids
 * are random as ever.
 */
final class SpanIds implements IdGenerator {
    private static final ScopedValue<SpanContext> DRAWN = ScopedValue.newInstance();

    private final IdGenerator random;

    SpanIds() {
        this(IdGenerator.random());
    }

    SpanIds(IdGenerator random) {
        this.random = random;
    }

    /** A trace id for a request that brings none. */
    String drawTraceId() {
        return random.generateTraceId();
    }

    /**
     * Draws a span's id. Whether it will be sampled its sampler says when it is built; until then it is what its parent is.
     *
     * @param parent its parent's context
     * @param traceId of a span without parent
     */
    SpanContext draw(Context parent, String traceId) {
        SpanContext above = Span.fromContext(parent).getSpanContext();
        return above.isValid()
                ? SpanContext.create(
                        above.getTraceId(), random.generateSpanId(), above.getTraceFlags(), above.getTraceState())
                : SpanContext.create(
                        traceId, random.generateSpanId(), TraceFlags.getSampled(), TraceState.getDefault());
    }

    /** Starts a span under the ids drawn for it. */
    static Span start(SpanBuilder builder, SpanContext drawn) {
        return ScopedValue.where(DRAWN, drawn).call(builder::startSpan);
    }

    @Override
    public String generateSpanId() {
        return DRAWN.isBound() ? DRAWN.get().getSpanId() : random.generateSpanId();
    }

    @Override
    public String generateTraceId() {
        return DRAWN.isBound() ? DRAWN.get().getTraceId() : random.generateTraceId();
    }
}
