package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.ProtobufReader;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Cuts an encoded {@code ExportTraceServiceRequest} into one for each trace in it. Spans are copied as they are, unknown
 * fields included, each below its resource and scope; requests of one trace may then simply be concatenated.
 */
final class TraceSplitter {
    private static final int RESOURCE_SPANS = 1;
    private static final int SCOPE_SPANS = 2;
    private static final int SPANS = 2;
    private static final int TRACE_ID = 1;

    private final Map<String, ProtobufWriter> requests = new LinkedHashMap<>();

    private TraceSplitter() {}

    /** Encoded requests by trace id in lower-case hex, in the order of their first spans. */
    static Map<String, byte[]> split(byte[] request) throws MalformedTelemetryException {
        TraceSplitter splitter = new TraceSplitter();
        ProtobufReader reader = new ProtobufReader(request);
        while (reader.next()) {
            if (reader.is(RESOURCE_SPANS, ProtobufReader.LENGTH_DELIMITED)) {
                splitter.resourceSpans(reader);
            }
        }
        Map<String, byte[]> encoded = new LinkedHashMap<>();
        splitter.requests.forEach((trace, writer) -> encoded.put(trace, writer.toByteArray()));
        return encoded;
    }

    private void resourceSpans(ProtobufReader parent) throws MalformedTelemetryException {
        byte[] resource = allBut(SCOPE_SPANS, parent.message());
        ProtobufReader reader = parent.message();
        while (reader.next()) {
            if (reader.is(SCOPE_SPANS, ProtobufReader.LENGTH_DELIMITED)) {
                scopeSpans(resource, reader);
            }
        }
    }

    private void scopeSpans(byte[] resource, ProtobufReader parent) throws MalformedTelemetryException {
        byte[] scope = allBut(SPANS, parent.message());
        Map<String, ProtobufWriter> byTrace = new LinkedHashMap<>();
        ProtobufReader reader = parent.message();
        while (reader.next()) {
            if (reader.is(SPANS, ProtobufReader.LENGTH_DELIMITED)) {
                byTrace.computeIfAbsent(
                                traceId(reader.message()), _ -> new ProtobufWriter().raw(scope, 0, scope.length))
                        .raw(reader.buffer(), reader.fieldStart(), reader.valueEnd());
            }
        }
        byTrace.forEach((trace, spans) -> {
            ProtobufWriter resourceSpans =
                    new ProtobufWriter().raw(resource, 0, resource.length).bytes(SCOPE_SPANS, spans.toByteArray());
            requests.computeIfAbsent(trace, _ -> new ProtobufWriter())
                    .bytes(RESOURCE_SPANS, resourceSpans.toByteArray());
        });
    }

    private static byte[] allBut(int field, ProtobufReader message) throws MalformedTelemetryException {
        ProtobufWriter rest = new ProtobufWriter();
        while (message.next()) {
            if (message.field() != field) {
                rest.raw(message.buffer(), message.fieldStart(), message.valueEnd());
            }
        }
        return rest.toByteArray();
    }

    private static String traceId(ProtobufReader span) throws MalformedTelemetryException {
        String id = "";
        while (span.next()) {
            if (span.is(TRACE_ID, ProtobufReader.LENGTH_DELIMITED)) {
                id = HexFormat.of().formatHex(span.buffer(), span.valueStart(), span.valueEnd());
            }
        }
        return id;
    }
}
