package dev.spandrel.sidecar.admin;

import java.util.List;

/**
 * One span as the trace page shows it.
 *
 * @param parentId empty for a root
 * @param startNanos since 1970
 * @param attributes as text, in the sender's order
 */
record SpanView(
        String traceId,
        String spanId,
        String parentId,
        String name,
        String kind,
        String service,
        long startNanos,
        long endNanos,
        String status,
        List<Attribute> attributes,
        List<Attribute> events) {
    /** A name and a value as text. */
    record Attribute(String key, String value) {}

    boolean root() {
        return parentId.isEmpty();
    }

    double millis() {
        return (endNanos - startNanos) / 1e6;
    }
}
