package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.span.SpanView;
import dev.spandrel.sidecar.span.SpanView.Attribute;
import java.util.HashMap;
import java.util.Map;

/** A span's attributes by key, the values cut to what a list can show; a repeated key keeps its last value. */
record SpanAttributes(
        String service, String name, boolean root, boolean ok, long startNanos, Map<String, String> values) {
    static SpanAttributes of(SpanView span, int maxText) {
        Map<String, String> values = new HashMap<>();
        for (Attribute attribute : span.attributes()) {
            values.put(attribute.key(), cut(attribute.value(), maxText));
        }
        return new SpanAttributes(
                cut(span.service(), maxText),
                cut(span.name(), maxText),
                span.root(),
                span.status().startsWith("OK"),
                span.startNanos(),
                values);
    }

    /** Whether this one rather than the other names the trace: a root before others, then the earlier. */
    boolean outside(SpanAttributes other) {
        return root != other.root ? root : startNanos < other.startNanos;
    }

    /** The text of the first key that is there; null where none is. */
    String text(String... keys) {
        for (String key : keys) {
            String value = values.get(key);
            if (value != null) {
                return value;
            }
        }
        return null;
    }

    /** As {@link #text}, as a number; null also where it is none. */
    Double number(String... keys) {
        String text = text(keys);
        if (text == null) {
            return null;
        }
        try {
            double value = Double.parseDouble(text);
            return Double.isFinite(value) ? value : null;
        } catch (NumberFormatException e) {
            return null;
        }
    }

    private static String cut(String text, int max) {
        return text.length() <= max ? text : text.substring(0, max) + "…";
    }
}
