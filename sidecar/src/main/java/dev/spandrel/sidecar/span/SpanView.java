package dev.spandrel.sidecar.span;

import java.util.List;

/**
 * One span as text.
 *
 * @param parentId empty for a root
 * @param startNanos since 1970
 * @param resource the attributes of what sent it, {@code service.name} among them
 * @param attributes as text, in the sender's order
 * @param links the traces it points at
 */
public record SpanView(
        String traceId,
        String spanId,
        String parentId,
        String name,
        String kind,
        String service,
        long startNanos,
        long endNanos,
        String status,
        List<Attribute> resource,
        List<Attribute> attributes,
        List<Attribute> events,
        List<String> links) {
    static final String ERROR = "ERROR";

    /** A name and a value as text. */
    public record Attribute(String key, String value) {}

    public boolean root() {
        return parentId.isEmpty();
    }

    /** Whether its status says that it failed. */
    public boolean failed() {
        return status.startsWith(ERROR);
    }

    public double millis() {
        return (endNanos - startNanos) / 1e6;
    }
}
