package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.span.SpanView;
import java.util.Set;
import java.util.TreeMap;

/** What the list says of a trace, gathered span by span in whatever order they come. */
final class TraceSummary {
    static final String STEP = "engine.step";
    private static final String START = "start";
    private static final Set<String> PHASES = Set.of("tokenize", "queue", "prefill", "decode", "finish");

    /** A name in the list need not be longer; what a stranger sends may be. */
    private static final int MAX_TEXT = 200;

    private final String id;
    private final GenerationFigures engine = new GenerationFigures();
    private final GenerationFigures others = new GenerationFigures();
    private final TreeMap<String, Double> phases = new TreeMap<>();
    private SpanAttributes outermost;
    private long startNanos = Long.MAX_VALUE;
    private long endNanos = Long.MIN_VALUE;
    private String httpStatus;
    private long httpStatusNanos = Long.MAX_VALUE;
    private int spans;
    private int errors;
    private int dropped;

    TraceSummary(String id) {
        this.id = id;
    }

    void add(SpanView view) {
        SpanAttributes span = SpanAttributes.of(view, MAX_TEXT);
        spans++;
        errors += view.failed() ? 1 : 0;
        startNanos = Math.min(startNanos, view.startNanos());
        endNanos = Math.max(endNanos, view.endNanos());
        if (outermost == null || span.outside(outermost)) {
            outermost = span;
        }
        String status = span.text("http.response.status_code");
        if (status != null && view.startNanos() < httpStatusNanos) {
            httpStatus = status;
            httpStatusNanos = view.startNanos();
        }
        if (PHASES.contains(view.name())) {
            phases.merge(view.name(), view.millis(), Double::sum);
        }
        if (view.name().equals("llm_request")) {
            engine.add(span);
        } else if (GenerationFigures.tells(span)) {
            others.add(span);
        }
    }

    /** Counts spans that were not kept. */
    void dropped(int count) {
        dropped += count;
    }

    long startNanos() {
        return startNanos;
    }

    /** The line as it stands; there must have been a span. */
    TraceRow row() {
        // a client that counts tokens too would make them twice as many
        GenerationFigures figures = engine.count() > 0 ? engine : others;
        return new TraceRow(
                id,
                kind(figures),
                startNanos / 1e6,
                Math.max(0, endNanos - startNanos) / 1e6,
                outermost.service(),
                outermost.name(),
                figures.model(),
                errors > 0 ? "error" : outermost.ok() ? "ok" : "unset",
                httpStatus,
                figures.finish(),
                spans,
                errors,
                figures.tokensIn(),
                figures.tokensOut(),
                figures.queueMillis() != null ? figures.queueMillis() : phases.get("queue"),
                figures.firstTokenMillis(),
                figures.perTokenMillis(phases.get("decode")),
                figures.preemptions(),
                phases.isEmpty() ? null : new TreeMap<>(phases),
                dropped);
    }

    private String kind(GenerationFigures figures) {
        if (figures.count() > 0) {
            return "request";
        }
        if (outermost.name().equals(STEP)) {
            return "step";
        }
        return outermost.name().equals(START) && outermost.root() ? "start" : "other";
    }
}
