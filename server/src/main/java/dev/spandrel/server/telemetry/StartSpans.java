package dev.spandrel.server.telemetry;

import dev.spandrel.engine.StartPhase;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * The start of the server as a trace: a span {@code start} from the first line of the program to the listening socket, and
 * below it the parts of the engine's opening. It joins the trace that {@code TRACEPARENT} and {@code TRACESTATE} of the
 * environment name, as vLLM's start-up spans do.
 */
public final class StartSpans {
    static final String NAME = "start";

    private StartSpans() {}

    /** Reads {@code traceparent} from the variable {@code TRACEPARENT}. */
    private static final class Environment implements TextMapGetter<UnaryOperator<String>> {
        // Deprecated in the API, and abstract there still.
        @SuppressWarnings("deprecation")
        @Override
        public Iterable<String> keys(UnaryOperator<String> carrier) {
            return List.of();
        }

        @Override
        public String get(UnaryOperator<String> carrier, String key) {
            return carrier == null ? null : carrier.apply(key.toUpperCase(Locale.ROOT));
        }
    }

    /**
     * Makes the spans.
     *
     * @param environment by variable name
     * @param startNanos when the start began, on the engine's clock
     * @param endNanos when the server listened
     */
    public static void record(
            Telemetry telemetry,
            ClockAnchor anchor,
            UnaryOperator<String> environment,
            List<StartPhase> phases,
            long startNanos,
            long endNanos) {
        Tracer tracer = telemetry.tracer();
        Context parent =
                W3CTraceContextPropagator.getInstance().extract(Context.root(), environment, new Environment());
        Span start = tracer.spanBuilder(NAME)
                .setParent(parent)
                .setStartTimestamp(anchor.epochNanosAt(startNanos), TimeUnit.NANOSECONDS)
                .startSpan();
        below(tracer, parent.with(start), "", phases, anchor);
        start.end(anchor.epochNanosAt(endNanos), TimeUnit.NANOSECONDS);
    }

    private static void below(
            Tracer tracer, Context context, String parent, List<StartPhase> phases, ClockAnchor anchor) {
        for (StartPhase phase : phases) {
            if (phase.parent().equals(parent)) {
                Span span = tracer.spanBuilder(phase.name())
                        .setParent(context)
                        .setStartTimestamp(anchor.epochNanosAt(phase.startNanos()), TimeUnit.NANOSECONDS)
                        .startSpan();
                below(tracer, context.with(span), phase.name(), phases, anchor);
                span.end(anchor.epochNanosAt(phase.endNanos()), TimeUnit.NANOSECONDS);
            }
        }
    }
}
