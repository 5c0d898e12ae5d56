package dev.spandrel.sidecar.span;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.span.SpanView.Attribute;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Reads the spans of an encoded {@code ExportTraceServiceRequest} (trace.proto 1.11). */
public final class SpanDecoder {
    private static final String[] KINDS = {"", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"};

    private SpanDecoder() {}

    /** Every span, in the sender's order. */
    public static List<SpanView> decode(byte[] request) throws MalformedTelemetryException {
        List<SpanView> spans = new ArrayList<>();
        ProtobufReader reader = new ProtobufReader(request);
        while (reader.next()) {
            if (reader.field() == 1) {
                resourceSpans(reader, spans);
            }
        }
        return spans;
    }

    private static void resourceSpans(ProtobufReader parent, List<SpanView> spans) throws MalformedTelemetryException {
        List<Attribute> resource = List.of();
        ProtobufReader first = parent.message();
        while (first.next()) {
            if (first.field() == 1) {
                resource = resource(first.message());
            }
        }
        ProtobufReader second = parent.message();
        while (second.next()) {
            if (second.field() == 2) {
                scopeSpans(second.message(), resource, spans);
            }
        }
    }

    private static List<Attribute> resource(ProtobufReader resource) throws MalformedTelemetryException {
        List<Attribute> attributes = new ArrayList<>();
        while (resource.next()) {
            if (resource.field() == 1) {
                attributes.add(attribute(resource.message()));
            }
        }
        return attributes;
    }

    private static String serviceName(List<Attribute> resource) {
        return resource.stream()
                .filter(attribute -> attribute.key().equals("service.name"))
                .map(Attribute::value)
                .findFirst()
                .orElse("");
    }

    private static void scopeSpans(ProtobufReader scope, List<Attribute> resource, List<SpanView> spans)
            throws MalformedTelemetryException {
        while (scope.next()) {
            if (scope.field() == 2) {
                spans.add(span(scope.message(), resource));
            }
        }
    }

    private static SpanView span(ProtobufReader span, List<Attribute> resource) throws MalformedTelemetryException {
        String traceId = "";
        String spanId = "";
        String parentId = "";
        String name = "";
        String kind = "";
        String status = "";
        long start = 0;
        long end = 0;
        List<Attribute> attributes = new ArrayList<>();
        List<Attribute> events = new ArrayList<>();
        List<String> links = new ArrayList<>();
        while (span.next()) {
            switch (span.field()) {
                case 1 -> traceId = hex(span);
                case 2 -> spanId = hex(span);
                case 4 -> parentId = hex(span);
                case 5 -> name = span.string();
                case 6 -> kind = kind(span.varint());
                case 7 -> start = span.fixed64();
                case 8 -> end = span.fixed64();
                case 9 -> attributes.add(attribute(span.message()));
                case 11 -> events.add(event(span.message()));
                case 13 -> links.add(linkedTrace(span.message()));
                case 15 -> status = status(span.message());
                default -> {}
            }
        }
        String parent = parentId.chars().allMatch(c -> c == '0') ? "" : parentId;
        return new SpanView(
                traceId,
                spanId,
                parent,
                name,
                kind,
                serviceName(resource),
                start,
                end,
                status,
                resource,
                attributes,
                events,
                links);
    }

    private static String kind(long number) {
        return number >= 0 && number < KINDS.length ? KINDS[(int) number] : "KIND_" + number;
    }

    private static String linkedTrace(ProtobufReader link) throws MalformedTelemetryException {
        String traceId = "";
        while (link.next()) {
            if (link.field() == 1) {
                traceId = hex(link);
            }
        }
        return traceId;
    }

    private static String hex(ProtobufReader field) throws MalformedTelemetryException {
        field.require(ProtobufReader.LENGTH_DELIMITED);
        return HexFormat.of().formatHex(field.buffer(), field.valueStart(), field.valueEnd());
    }

    private static String status(ProtobufReader status) throws MalformedTelemetryException {
        String message = "";
        long code = 0;
        while (status.next()) {
            if (status.field() == 2) {
                message = status.string();
            } else if (status.field() == 3) {
                code = status.varint();
            }
        }
        String word = code == 2 ? SpanView.ERROR : code == 1 ? "OK" : "";
        return message.isEmpty() ? word : word + ": " + message;
    }

    private static Attribute event(ProtobufReader event) throws MalformedTelemetryException {
        String name = "";
        List<String> details = new ArrayList<>();
        while (event.next()) {
            if (event.field() == 2) {
                name = event.string();
            } else if (event.field() == 3) {
                Attribute attribute = attribute(event.message());
                details.add(attribute.key() + "=" + attribute.value());
            }
        }
        return new Attribute(name, String.join(", ", details));
    }

    private static Attribute attribute(ProtobufReader keyValue) throws MalformedTelemetryException {
        String key = "";
        String value = "";
        while (keyValue.next()) {
            if (keyValue.field() == 1) {
                key = keyValue.string();
            } else if (keyValue.field() == 2) {
                value = ValueText.of(keyValue.message());
            }
        }
        return new Attribute(key, value);
    }
}
