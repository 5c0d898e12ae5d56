package dev.spandrel.server.telemetry;

import dev.spandrel.engine.StartPhase;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * The start of the server as a trace: a span {@code start} from the first line of the program to the listening socket, or to
 * what made it fail, and below it the parts of the engine's opening. It joins the trace that {@code TRACEPARENT} and
 * {@code TRACESTATE} of the environment name, as vLLM's start-up spans do.
 */
public final class StartSpans {
    static final String NAME = "start";

    private final Tracer tracer;
    private final ClockAnchor anchor;
    private final Context parent;

    /** @param environment by variable name */
    public StartSpans(Telemetry telemetry, ClockAnchor anchor, UnaryOperator<String> environment) {
        this.tracer = telemetry.tracer();
        this.anchor = anchor;
        this.parent = W3CTraceContextPropagator.getInstance().extract(Context.root(), environment, new Environment());
    }

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
     * Makes the spans of a start that succeeded.
     *
     * @param startNanos when the start began, on the engine's clock
     * @param endNanos when the server listened
     */
    public void succeeded(List<StartPhase> phases, long startNanos, long endNanos) {
        record(phases, Optional.empty(), startNanos, endNanos, Optional.empty());
    }

    /**
     * Makes the spans of a start that failed, with status ERROR where it did.
     *
     * @param phases those that were over by then
     */
    public void failed(List<StartPhase> phases, Throwable cause, long startNanos, long endNanos) {
        Optional<StartPhase> cut = cut(phases, endNanos);
        List<StartPhase> all = new ArrayList<>(phases);
        cut.ifPresent(all::add);
        record(all, cut, startNanos, endNanos, Optional.of(cause));
    }

    /** The part that others were a part of, and which never ended. */
    private static Optional<StartPhase> cut(List<StartPhase> phases, long endNanos) {
        return phases.stream()
                .filter(phase -> !phase.parent().isEmpty())
                .filter(phase -> phases.stream().noneMatch(other -> other.name().equals(phase.parent())))
                .findFirst()
                .map(first -> new StartPhase(first.parent(), "", first.startNanos(), endNanos));
    }

    private void record(
            List<StartPhase> phases,
            Optional<StartPhase> cut,
            long startNanos,
            long endNanos,
            Optional<Throwable> failure) {
        Span start = begin(NAME, parent, startNanos);
        below(parent.with(start), "", phases, cut, failure);
        failure.ifPresent(cause -> fail(start, cause));
        start.end(anchor.epochNanosAt(endNanos), TimeUnit.NANOSECONDS);
    }

    private void below(
            Context context,
            String above,
            List<StartPhase> phases,
            Optional<StartPhase> cut,
            Optional<Throwable> failure) {
        for (StartPhase phase : phases) {
            if (phase.parent().equals(above)) {
                Span span = begin(phase.name(), context, phase.startNanos());
                below(context.with(span), phase.name(), phases, cut, failure);
                if (cut.filter(phase::equals).isPresent()) {
                    failure.ifPresent(cause -> fail(span, cause));
                }
                span.end(anchor.epochNanosAt(phase.endNanos()), TimeUnit.NANOSECONDS);
            }
        }
    }

    private Span begin(String name, Context context, long nanos) {
        return tracer.spanBuilder(name)
                .setParent(context)
                .setStartTimestamp(anchor.epochNanosAt(nanos), TimeUnit.NANOSECONDS)
                .startSpan();
    }

    private static void fail(Span span, Throwable cause) {
        RequestAttributes.failed(span, cause.getClass().getName(), String.valueOf(cause.getMessage()));
    }
}
