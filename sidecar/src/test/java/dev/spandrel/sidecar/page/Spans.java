package dev.spandrel.sidecar.page;

import com.google.protobuf.ByteString;
import dev.spandrel.sidecar.testing.Telemetry;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.InstrumentationScope;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import java.nio.ByteBuffer;
import java.util.HexFormat;

/** Spans as the server sends them, made with the official classes. */
final class Spans {
    static final long EPOCH_MILLIS = 1_700_000_000_000L;

    private Spans() {}

    /** The id of a trace with a number, as the page writes it. */
    static String traceId(long number) {
        return HexFormat.of().formatHex(trace(number).toByteArray());
    }

    static ByteString trace(long number) {
        return ByteString.copyFrom(
                ByteBuffer.allocate(16).putLong(0xabc).putLong(number).flip());
    }

    /** A span of a trace; times in milliseconds after {@link #EPOCH_MILLIS}; a parent below 0 makes it a root. */
    static Span.Builder span(long trace, long id, long parent, String name, double start, double end) {
        Span.Builder span = Span.newBuilder()
                .setTraceId(trace(trace))
                .setSpanId(Telemetry.id(id))
                .setName(name)
                .setStartTimeUnixNano(EPOCH_MILLIS * 1_000_000 + (long) (start * 1e6))
                .setEndTimeUnixNano(EPOCH_MILLIS * 1_000_000 + (long) (end * 1e6));
        return parent < 0 ? span : span.setParentSpanId(Telemetry.id(parent));
    }

    static KeyValue number(String key, double value) {
        return KeyValue.newBuilder()
                .setKey(key)
                .setValue(AnyValue.newBuilder().setDoubleValue(value))
                .build();
    }

    static KeyValue whole(String key, long value) {
        return KeyValue.newBuilder()
                .setKey(key)
                .setValue(AnyValue.newBuilder().setIntValue(value))
                .build();
    }

    static byte[] request(String service, Span.Builder... spans) {
        ScopeSpans.Builder scope = ScopeSpans.newBuilder()
                .setScope(InstrumentationScope.newBuilder().setName("test"));
        for (Span.Builder span : spans) {
            scope.addSpans(span);
        }
        return ExportTraceServiceRequest.newBuilder()
                .addResourceSpans(ResourceSpans.newBuilder()
                        .addScopeSpans(scope)
                        .setResource(Telemetry.resource(service))
                        .setSchemaUrl("schema"))
                .build()
                .toByteArray();
    }

    /** A completion as the server tells of it: HTTP span, request and phases. */
    static byte[] completion(long trace, double at) {
        return request(
                "spandrel",
                span(trace, 2, 1, "llm_request", at + 1, at + 99)
                        .addAttributes(Telemetry.attribute("gen_ai.request.model", "tiny"))
                        .addAttributes(whole("gen_ai.usage.prompt_tokens", 5))
                        .addAttributes(whole("gen_ai.usage.completion_tokens", 11))
                        .addAttributes(number("gen_ai.latency.time_to_first_token", .03))
                        .addAttributes(number("gen_ai.latency.time_in_queue", .01))
                        .addAttributes(number("gen_ai.latency.time_in_model_decode", .06)),
                span(trace, 3, 2, "queue", at + 1, at + 11),
                span(trace, 4, 2, "prefill", at + 11, at + 31),
                span(trace, 5, 2, "decode", at + 31, at + 91),
                span(trace, 6, 2, "finish", at + 91, at + 99),
                span(trace, 1, -1, "POST /v1/completions", at, at + 100)
                        .addAttributes(whole("http.response.status_code", 200)));
    }
}
