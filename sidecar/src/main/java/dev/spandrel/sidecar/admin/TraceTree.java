package dev.spandrel.sidecar.admin;

import dev.spandrel.sidecar.span.SpanView;
import dev.spandrel.sidecar.span.SpanView.Attribute;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The spans of one trace as an indented tree. A span whose parent is not there stands at the top; cycles, which only a
 * broken sender makes, are cut. Control characters are escaped, so telemetry cannot steer the terminal.
 */
final class TraceTree {
    private static final int MAX_VALUE_CHARS = 2000;

    private final Map<String, SpanView> byId = new LinkedHashMap<>();
    private final Map<String, List<SpanView>> children = new LinkedHashMap<>();
    private final Set<String> shown = new LinkedHashSet<>();
    private final StringBuilder text = new StringBuilder();

    private TraceTree(List<SpanView> spans) {
        spans.stream().sorted(Comparator.comparingLong(SpanView::startNanos)).forEach(span -> {
            byId.put(span.spanId(), span);
            children.computeIfAbsent(span.parentId(), _ -> new ArrayList<>()).add(span);
        });
    }

    /** The text, ending with a newline. */
    static String format(String traceId, List<SpanView> spans) {
        return new TraceTree(spans).format(traceId);
    }

    private String format(String traceId) {
        long start =
                byId.values().stream().mapToLong(SpanView::startNanos).min().orElse(0);
        long end = byId.values().stream().mapToLong(SpanView::endNanos).max().orElse(0);
        text.append("trace ").append(traceId).append(", ").append(byId.size());
        text.append(byId.size() == 1 ? " span, " : " spans, ")
                .append(millis((end - start) / 1e6))
                .append('\n');
        List<SpanView> tops = byId.values().stream()
                .filter(span -> span.root() || !byId.containsKey(span.parentId()))
                .toList();
        appendAll(tops, "");
        List<SpanView> cycles = byId.values().stream()
                .filter(span -> !shown.contains(span.spanId()))
                .toList();
        appendAll(cycles, "");
        return text.toString();
    }

    private void appendAll(List<SpanView> spans, String indent) {
        for (int i = 0; i < spans.size(); i++) {
            append(spans.get(i), indent, i == spans.size() - 1);
        }
    }

    private void append(SpanView span, String indent, boolean last) {
        if (!shown.add(span.spanId())) {
            return;
        }
        List<SpanView> below = children.getOrDefault(span.spanId(), List.of());
        text.append(indent).append(last ? "└─ " : "├─ ").append(escape(span.name()));
        field(span.kind());
        field(span.service());
        field(millis(span.millis()));
        field(span.status());
        text.append('\n');
        String inner = indent + (last ? "   " : "│  ");
        String margin = inner + (below.isEmpty() ? "     " : "│    ");
        for (Attribute attribute : span.attributes()) {
            line(margin, attribute.key() + " = ", attribute.value());
        }
        for (Attribute event : span.events()) {
            line(margin, "event " + event.key() + " ", event.value());
        }
        appendAll(below, inner);
    }

    private void field(String value) {
        if (!value.isEmpty()) {
            text.append("  ").append(escape(value));
        }
    }

    private void line(String margin, String label, String value) {
        text.append(margin).append(escape(label)).append(escape(value)).append('\n');
    }

    private static String millis(double value) {
        return String.format(Locale.ROOT, "%.3f ms", value);
    }

    static String escape(String value) {
        String shortened = value.length() > MAX_VALUE_CHARS
                ? value.substring(0, MAX_VALUE_CHARS) + "… (" + value.length() + " characters)"
                : value;
        StringBuilder escaped = new StringBuilder(shortened.length());
        shortened.codePoints().forEach(c -> appendEscaped(escaped, c));
        return escaped.toString();
    }

    private static void appendEscaped(StringBuilder escaped, int c) {
        switch (c) {
            case '\n' -> escaped.append("\\n");
            case '\t' -> escaped.append("\\t");
            case '\r' -> escaped.append("\\r");
            default -> {
                // FORMAT covers the marks that reverse the direction of text
                if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
                    escaped.append(String.format("\\u%04x", c));
                } else {
                    escaped.appendCodePoint(c);
                }
            }
        }
    }
}
