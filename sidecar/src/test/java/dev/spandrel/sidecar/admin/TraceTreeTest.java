package dev.spandrel.sidecar.admin;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.Telemetry;
import dev.spandrel.sidecar.time.Ticker;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.ArrayValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class TraceTreeTest {
    private static Span.Builder span(long id, long parent, String name, long startMillis, long millis) {
        Span.Builder span = Telemetry.span(7).toBuilder()
                .clearAttributes()
                .clearStatus()
                .setSpanId(Telemetry.id(id))
                .setName(name)
                .setStartTimeUnixNano(startMillis * 1_000_000)
                .setEndTimeUnixNano((startMillis + millis) * 1_000_000);
        return parent < 0 ? span : span.setParentSpanId(Telemetry.id(parent));
    }

    private static byte[] request(String service, Span.Builder... spans) {
        ScopeSpans.Builder scope = ScopeSpans.newBuilder();
        for (Span.Builder span : spans) {
            scope.addSpans(span);
        }
        return ExportTraceServiceRequest.newBuilder()
                .addResourceSpans(
                        ResourceSpans.newBuilder().addScopeSpans(scope).setResource(Telemetry.resource(service)))
                .build()
                .toByteArray();
    }

    private static String print(byte[]... requests) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, false, StandardCharsets.UTF_8);
        try (TracePrinter printer = new TracePrinter(out, Ticker.SYSTEM)) {
            for (byte[] request : requests) {
                printer.kept(Signal.TRACES, request);
            }
        }
        out.flush();
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aTraceOfTwoServicesIsOneTree() {
        KeyValue list = KeyValue.newBuilder()
                .setKey("stop")
                .setValue(AnyValue.newBuilder()
                        .setArrayValue(ArrayValue.newBuilder()
                                .addValues(AnyValue.newBuilder().setStringValue("a"))
                                .addValues(AnyValue.newBuilder().setIntValue(2))))
                .build();
        byte[] server = request(
                "vllm-server",
                span(3, 2, "llm_request", 120, 700).addAttributes(list),
                span(2, 1, "POST /v1/completions", 110, 800)
                        .setStatus(Status.newBuilder()
                                .setCode(Status.StatusCode.STATUS_CODE_ERROR)
                                .setMessage("gone")));
        byte[] client = request(
                "client-service",
                span(1, -1, "client-span", 100, 900)
                        .setKind(Span.SpanKind.SPAN_KIND_CLIENT)
                        .addAttributes(Telemetry.attribute("prompt", "Once upon\u001b[31m a\ntime")));
        assertThat(print(server, client)).isEqualTo("""
                trace 0000000000005eed0000000000000008, 3 spans, 900.000 ms
                └─ client-span  CLIENT  client-service  900.000 ms
                   │    prompt = Once upon\\u001b[31m a\\ntime
                   └─ POST /v1/completions  SERVER  vllm-server  800.000 ms  ERROR: gone
                      └─ llm_request  SERVER  vllm-server  700.000 ms
                              stop = [a, 2]
                """);
    }

    @Test
    void aCycleAndAMissingParentAreShownAllTheSame() {
        String text = print(request("s", span(1, 2, "one", 1, 1), span(2, 1, "two", 2, 1), span(5, 9, "lost", 3, 1)));
        assertThat(text).contains("one", "two", "lost").contains("3 spans");
    }

    @Test
    void garbageIsMentionedNotThrown() {
        assertThat(print(new byte[] {0x0a, 0x02, 0x12, 0x05})).contains("cannot be shown");
    }
}
