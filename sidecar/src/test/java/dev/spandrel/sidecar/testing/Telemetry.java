package dev.spandrel.sidecar.testing;

import com.google.protobuf.ByteString;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.InstrumentationScope;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;
import io.opentelemetry.proto.metrics.v1.Gauge;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.proto.metrics.v1.ResourceMetrics;
import io.opentelemetry.proto.metrics.v1.ScopeMetrics;
import io.opentelemetry.proto.resource.v1.Resource;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/** Requests made with the official classes, whose span ids are numbers that a test can account for. */
public final class Telemetry {
    private Telemetry() {}

    /** One resource, one scope, spans numbered from {@code first}. */
    public static ExportTraceServiceRequest spans(long first, int count) {
        ScopeSpans.Builder scope = ScopeSpans.newBuilder()
                .setScope(InstrumentationScope.newBuilder().setName("test"));
        IntStream.range(0, count).forEach(i -> scope.addSpans(span(first + i)));
        return ExportTraceServiceRequest.newBuilder()
                .addResourceSpans(ResourceSpans.newBuilder()
                        .setResource(resource("test-service"))
                        .addScopeSpans(scope)
                        .setSchemaUrl("https://opentelemetry.io/schemas/1.37.0"))
                .build();
    }

    public static Resource resource(String service) {
        return Resource.newBuilder()
                .addAttributes(attribute("service.name", service))
                .build();
    }

    public static KeyValue attribute(String key, String value) {
        return KeyValue.newBuilder()
                .setKey(key)
                .setValue(AnyValue.newBuilder().setStringValue(value))
                .build();
    }

    /** A span of about 200 encoded bytes, as an LLM server sends. */
    public static Span span(long number) {
        return Span.newBuilder()
                .setTraceId(ByteString.copyFrom(ByteBuffer.allocate(16)
                        .putLong(0x5eed)
                        .putLong(number + 1)
                        .flip()))
                .setSpanId(id(number))
                .setName("POST /v1/completions")
                .setKind(Span.SpanKind.SPAN_KIND_SERVER)
                .setStartTimeUnixNano(1_700_000_000_000_000_000L + number * 1000)
                .setEndTimeUnixNano(1_700_000_000_000_000_000L + number * 1000 + 5_000_000)
                .addAttributes(attribute("http.route", "/v1/completions"))
                .addAttributes(attribute("gen_ai.request.model", "spandrel-tiny"))
                .addAttributes(attribute("number", Long.toString(number)))
                .setStatus(Status.newBuilder().setCode(Status.StatusCode.STATUS_CODE_OK))
                .build();
    }

    public static ByteString id(long number) {
        return ByteString.copyFrom(ByteBuffer.allocate(8).putLong(number + 1).flip());
    }

    /** The number a span was made with. */
    public static long number(Span span) {
        return span.getSpanId().asReadOnlyByteBuffer().getLong() - 1;
    }

    /** The numbers of all spans of a request, in order. */
    public static List<Long> numbers(ExportTraceServiceRequest request) {
        return request.getResourceSpansList().stream()
                .flatMap(resource -> resource.getScopeSpansList().stream())
                .flatMap(scope -> scope.getSpansList().stream())
                .map(Telemetry::number)
                .toList();
    }

    /** One gauge with data points. */
    public static ExportMetricsServiceRequest points(int count) {
        Gauge.Builder gauge = Gauge.newBuilder();
        IntStream.range(0, count)
                .forEach(i -> gauge.addDataPoints(
                        NumberDataPoint.newBuilder().setAsInt(i).setTimeUnixNano(i)));
        return ExportMetricsServiceRequest.newBuilder()
                .addResourceMetrics(ResourceMetrics.newBuilder()
                        .setResource(resource("test-service"))
                        .addScopeMetrics(ScopeMetrics.newBuilder()
                                .addMetrics(Metric.newBuilder().setName("queue").setGauge(gauge))))
                .build();
    }

    public static ExportLogsServiceRequest logs(int count) {
        ScopeLogs.Builder scope = ScopeLogs.newBuilder();
        IntStream.range(0, count)
                .forEach(i -> scope.addLogRecords(LogRecord.newBuilder()
                        .setTimeUnixNano(i)
                        .setBody(AnyValue.newBuilder().setStringValue("line " + i))));
        return ExportLogsServiceRequest.newBuilder()
                .addResourceLogs(ResourceLogs.newBuilder()
                        .setResource(resource("test-service"))
                        .addScopeLogs(scope))
                .build();
    }

    /** Several resources and scopes of random sizes, spans numbered from 0 on. */
    public static ExportTraceServiceRequest randomTree(RandomGenerator random, int maxBranch) {
        ExportTraceServiceRequest.Builder request = ExportTraceServiceRequest.newBuilder();
        long number = 0;
        for (int r = random.nextInt(1, maxBranch + 1); r > 0; r--) {
            ResourceSpans.Builder resource = ResourceSpans.newBuilder()
                    .setResource(resource("service-" + r))
                    .setSchemaUrl("schema-" + r);
            for (int s = random.nextInt(1, maxBranch + 1); s > 0; s--) {
                ScopeSpans.Builder scope = ScopeSpans.newBuilder()
                        .setScope(InstrumentationScope.newBuilder().setName("scope-" + s));
                for (int i = random.nextInt(0, maxBranch + 1); i > 0; i--) {
                    scope.addSpans(span(number++));
                }
                resource.addScopeSpans(scope);
            }
            request.addResourceSpans(resource);
        }
        return request.build();
    }
}
