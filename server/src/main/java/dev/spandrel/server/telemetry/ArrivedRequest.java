package dev.spandrel.server.telemetry;

import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.context.Context;
import java.util.ArrayList;
import java.util.List;

/** What is known of a request's spans from its arrival on: parent, clock, and the ids of its {@code llm_request}s. */
final class ArrivedRequest {
    private final Context parent;
    private final ClockAnchor anchor;
    private final SpanIds ids;
    private final String traceId;
    private final List<SpanContext> drawn = new ArrayList<>(1);

    ArrivedRequest(Context parent, ClockAnchor anchor, SpanIds ids) {
        this.parent = parent;
        this.anchor = anchor;
        this.ids = ids;
        this.traceId = ids.drawTraceId();
        drawn.add(ids.draw(parent, traceId));
    }

    Context parent() {
        return parent;
    }

    ClockAnchor anchor() {
        return anchor;
    }

    /** The ids of an {@code llm_request}; the first is there from the start, others are drawn in order. */
    SpanContext span(int index) {
        while (drawn.size() <= index) {
            drawn.add(ids.draw(parent, traceId));
        }
        return drawn.get(index);
    }
}
