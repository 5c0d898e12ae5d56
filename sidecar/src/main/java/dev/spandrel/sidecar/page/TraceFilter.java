package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.span.SpanDecoder;
import dev.spandrel.sidecar.span.SpanView;
import java.util.ArrayList;
import java.util.List;

/**
 * Which traces to show: those where every term holds. A term about spans holds where some span satisfies it; a negated
 * one where none does. The syntax is in docs/trace-page.md; {@link FilterParser} reads it.
 */
record TraceFilter(List<Term> terms) {
    /** Lets everything pass. */
    static final TraceFilter ALL = new TraceFilter(List.of());

    /** One condition, on the line of a trace or on a span of it. */
    record Term(boolean negated, Condition condition) {}

    /** What a term asks. */
    interface Condition {
        /** Whether the line alone decides, so that spans need not be decoded. */
        default boolean ofLine() {
            return false;
        }

        default boolean line(TraceRow row) {
            return false;
        }

        default boolean span(SpanView span) {
            return false;
        }
    }

    TraceFilter {
        terms = List.copyOf(terms);
    }

    /**
     * Whether a trace passes.
     *
     * @param pieces encoded requests with its spans, decoded only where a term needs them
     */
    boolean matches(TraceRow row, List<byte[]> pieces) {
        for (Term term : terms) {
            if (term.condition().ofLine() && term.condition().line(row) == term.negated()) {
                return false;
            }
        }
        List<Term> open =
                terms.stream().filter(term -> !term.condition().ofLine()).toList();
        return open.isEmpty() || spansMatch(open, row, pieces);
    }

    private static boolean spansMatch(List<Term> terms, TraceRow row, List<byte[]> pieces) {
        List<Term> open = new ArrayList<>(terms);
        for (byte[] piece : pieces) {
            for (SpanView span : spans(piece)) {
                for (int i = open.size() - 1; i >= 0; i--) {
                    if (open.get(i).condition().span(span)) {
                        if (open.get(i).negated()) {
                            return false;
                        }
                        open.remove(i);
                    }
                }
            }
            if (open.isEmpty()) {
                return true;
            }
        }
        return open.stream().allMatch(term -> term.condition().line(row) != term.negated());
    }

    private static List<SpanView> spans(byte[] piece) {
        try {
            return SpanDecoder.decode(piece);
        } catch (MalformedTelemetryException e) {
            // it was decoded once when it came in
            throw new IllegalStateException(e);
        }
    }
}
