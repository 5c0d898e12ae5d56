package dev.spandrel.server.process;

import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.resource.v1.Resource;
import io.opentelemetry.proto.trace.v1.Span;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A span as the backend took it.
 *
 * @param transport protocol, and encoding where there was one: {@code grpc}, {@code http/protobuf}, {@code http/protobuf gzip}
 */
record ReceivedSpan(String transport, Resource resource, Span span) {
    String traceId() {
        return HexFormat.of().formatHex(span.getTraceId().toByteArray());
    }

    String spanId() {
        return HexFormat.of().formatHex(span.getSpanId().toByteArray());
    }

    /** Empty for a root. */
    String parentId() {
        return HexFormat.of().formatHex(span.getParentSpanId().toByteArray());
    }

    String name() {
        return span.getName();
    }

    Span.SpanKind kind() {
        return span.getKind();
    }

    String service() {
        return String.valueOf(attributes(resource.getAttributesList()).get("service.name"));
    }

    /** By key; String, Long, Double, Boolean or a list of these, as the wire had it. */
    Map<String, Object> attributes() {
        return attributes(span.getAttributesList());
    }

    double seconds() {
        return (span.getEndTimeUnixNano() - span.getStartTimeUnixNano()) / 1e9;
    }

    private static Map<String, Object> attributes(List<KeyValue> pairs) {
        Map<String, Object> attributes = new TreeMap<>();
        for (KeyValue pair : pairs) {
            if (attributes.put(pair.getKey(), value(pair.getValue())) != null) {
                throw new AssertionError("attribute " + pair.getKey() + " twice in " + pairs);
            }
        }
        return attributes;
    }

    private static Object value(AnyValue value) {
        return switch (value.getValueCase()) {
            case STRING_VALUE -> value.getStringValue();
            case INT_VALUE -> value.getIntValue();
            case DOUBLE_VALUE -> value.getDoubleValue();
            case BOOL_VALUE -> value.getBoolValue();
            case ARRAY_VALUE ->
                value.getArrayValue().getValuesList().stream()
                        .map(ReceivedSpan::value)
                        .toList();
            default -> throw new AssertionError("unexpected value " + value);
        };
    }
}
