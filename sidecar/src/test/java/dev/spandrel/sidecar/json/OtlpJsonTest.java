package dev.spandrel.sidecar.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.PartialSuccess;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.Mutator;
import dev.spandrel.sidecar.testing.Telemetry;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.ArrayValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.common.v1.KeyValueList;
import io.opentelemetry.proto.metrics.v1.ExponentialHistogram;
import io.opentelemetry.proto.metrics.v1.ExponentialHistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Histogram;
import io.opentelemetry.proto.metrics.v1.HistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.proto.metrics.v1.ResourceMetrics;
import io.opentelemetry.proto.metrics.v1.ScopeMetrics;
import io.opentelemetry.proto.metrics.v1.Sum;
import io.opentelemetry.proto.metrics.v1.Summary;
import io.opentelemetry.proto.metrics.v1.SummaryDataPoint;
import io.opentelemetry.proto.trace.v1.Span;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Held against protobuf-java's JSON with the ids, the one thing OTLP writes differently, turned into hex. */
class OtlpJsonTest {
    private static final Pattern ID = Pattern.compile("\"(traceId|spanId|parentSpanId)\": \"([A-Za-z0-9+/=]+)\"");

    private static byte[] official(Message message) throws Exception {
        String json = JsonFormat.printer().printingEnumsAsInts().print(message);
        return ID.matcher(json)
                .replaceAll(id -> "\"" + id.group(1) + "\": \""
                        + HexFormat.of().formatHex(Base64.getDecoder().decode(id.group(2))) + "\"")
                .getBytes(StandardCharsets.UTF_8);
    }

    private static ExportTraceServiceRequest traces() {
        Span.Builder span = Telemetry.span(5).toBuilder()
                .setParentSpanId(Telemetry.id(3))
                .setFlags(0x301)
                .setDroppedAttributesCount(7)
                .setTraceState("a=b")
                .addLinks(Span.Link.newBuilder()
                        .setTraceId(ByteString.copyFrom(new byte[16]))
                        .setSpanId(Telemetry.id(9))
                        .setFlags(-1))
                .addEvents(Span.Event.newBuilder().setName("first token").setTimeUnixNano(-1));
        List<AnyValue> values = List.of(
                AnyValue.newBuilder().setStringValue("").build(),
                AnyValue.newBuilder().setBoolValue(false).build(),
                AnyValue.newBuilder().setIntValue(Long.MIN_VALUE).build(),
                AnyValue.newBuilder().setDoubleValue(-0.0).build(),
                AnyValue.newBuilder().setDoubleValue(Double.NaN).build(),
                AnyValue.newBuilder().setDoubleValue(Double.NEGATIVE_INFINITY).build(),
                AnyValue.newBuilder()
                        .setBytesValue(ByteString.copyFrom(new byte[] {-1, -2, -3, -4}))
                        .build(),
                AnyValue.newBuilder()
                        .setArrayValue(ArrayValue.newBuilder().addValues(AnyValue.newBuilder()))
                        .build(),
                AnyValue.newBuilder()
                        .setKvlistValue(
                                KeyValueList.newBuilder().addValues(Telemetry.attribute("k", "später \u0000 😀")))
                        .build());
        for (AnyValue value : values) {
            span.addAttributes(KeyValue.newBuilder().setKey("v").setValue(value));
        }
        ExportTraceServiceRequest.Builder request = Telemetry.spans(0, 2).toBuilder();
        request.getResourceSpansBuilder(0).getScopeSpansBuilder(0).addSpans(span);
        return request.build();
    }

    private static ExportMetricsServiceRequest metrics() {
        HistogramDataPoint histogram = HistogramDataPoint.newBuilder()
                .setCount(3)
                .setSum(1.5)
                .addAllBucketCounts(List.of(1L, -1L, 2L))
                .addAllExplicitBounds(List.of(0.1, 1e300))
                .setMin(0)
                .build();
        ExponentialHistogramDataPoint exponential = ExponentialHistogramDataPoint.newBuilder()
                .setScale(-3)
                .setZeroThreshold(0.25)
                .setNegative(ExponentialHistogramDataPoint.Buckets.newBuilder()
                        .setOffset(-7)
                        .addAllBucketCounts(List.of(5L, -2L)))
                .build();
        SummaryDataPoint summary = SummaryDataPoint.newBuilder()
                .addQuantileValues(SummaryDataPoint.ValueAtQuantile.newBuilder()
                        .setQuantile(0.99)
                        .setValue(7))
                .build();
        return Telemetry.points(2).toBuilder()
                .addResourceMetrics(ResourceMetrics.newBuilder()
                        .addScopeMetrics(ScopeMetrics.newBuilder()
                                .addMetrics(Metric.newBuilder()
                                        .setSum(Sum.newBuilder()
                                                .setIsMonotonic(true)
                                                .setAggregationTemporalityValue(2)
                                                .addDataPoints(NumberDataPoint.newBuilder()
                                                        .setAsInt(-5)
                                                        .setFlags(1))))
                                .addMetrics(Metric.newBuilder()
                                        .setHistogram(Histogram.newBuilder().addDataPoints(histogram)))
                                .addMetrics(Metric.newBuilder()
                                        .setExponentialHistogram(ExponentialHistogram.newBuilder()
                                                .addDataPoints(exponential)))
                                .addMetrics(Metric.newBuilder()
                                        .setSummary(Summary.newBuilder().addDataPoints(summary)))))
                .build();
    }

    @Test
    void weReadWhatTheOfficialClassesPrint() throws Exception {
        assertThat(ExportTraceServiceRequest.parseFrom(JsonToProtobuf.convert(Signal.TRACES, official(traces()))))
                .isEqualTo(traces());
        assertThat(ExportMetricsServiceRequest.parseFrom(JsonToProtobuf.convert(Signal.METRICS, official(metrics()))))
                .isEqualTo(metrics());
        assertThat(ExportLogsServiceRequest.parseFrom(JsonToProtobuf.convert(Signal.LOGS, official(Telemetry.logs(3)))))
                .isEqualTo(Telemetry.logs(3));
    }

    @Test
    void whatWeWriteWeReadAgain() throws Exception {
        ProtobufToJson.Result json = ProtobufToJson.convert(Signal.TRACES, traces().toByteArray());
        assertThat(json.unknownFields()).isZero();
        assertThat(ExportTraceServiceRequest.parseFrom(JsonToProtobuf.convert(Signal.TRACES, json.json())))
                .isEqualTo(traces());
        byte[] points =
                ProtobufToJson.convert(Signal.METRICS, metrics().toByteArray()).json();
        assertThat(ExportMetricsServiceRequest.parseFrom(JsonToProtobuf.convert(Signal.METRICS, points)))
                .isEqualTo(metrics());
        ExportLogsServiceRequest.Builder logs = ExportLogsServiceRequest.newBuilder();
        byte[] lines = ProtobufToJson.convert(Signal.LOGS, Telemetry.logs(4).toByteArray())
                .json();
        JsonFormat.parser().merge(new String(lines, StandardCharsets.UTF_8), logs);
        assertThat(logs.build()).isEqualTo(Telemetry.logs(4));
    }

    @Test
    void unknownFieldsAreCountedOnTheWayOutAndIgnoredOnTheWayIn() throws Exception {
        byte[] future = traces().toBuilder()
                .setUnknownFields(com.google.protobuf.UnknownFieldSet.newBuilder()
                        .addField(
                                77,
                                com.google.protobuf.UnknownFieldSet.Field.newBuilder()
                                        .addVarint(1)
                                        .build())
                        .build())
                .build()
                .toByteArray();
        assertThat(ProtobufToJson.convert(Signal.TRACES, future).unknownFields())
                .isEqualTo(1);
        String json = "{\"novelty\":[{\"a\":[1]}],\"resourceSpans\":[{\"schemaUrl\":\"s\",\"resource\":null}]}";
        assertThat(ExportTraceServiceRequest.parseFrom(
                                JsonToProtobuf.convert(Signal.TRACES, json.getBytes(StandardCharsets.UTF_8)))
                        .getResourceSpans(0)
                        .getSchemaUrl())
                .isEqualTo("s");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[]                                                               | expected an object",
                "{\"resourceSpans\":{}}                                           | at /resourceSpans: expected an array",
                "{\"resourceSpans\":[1]}                                          | expected an object",
                "{\"resourceSpans\":[                                             | not JSON",
                "{} {}                                                            | expected the end of the body",
                "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"xyz\"}]}]}]} | expected an id in hex",
                "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"kind\":\"SPAN_KIND_SERVER\"}]}]}]} | expected an integer",
                "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"startTimeUnixNano\":\"-1\"}]}]}]} | 64-bit integer",
                "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"startTimeUnixNano\":1.5}]}]}]}    | expected an integer",
            })
    void whatIsWrongIsNamedWithItsPlace(String json, String message) {
        assertThatThrownBy(() -> JsonToProtobuf.convert(Signal.TRACES, json.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(MalformedTelemetryException.class)
                .hasMessageContaining(message);
    }

    @Test
    void deepNestingIsRefusedBeforeTheStackEnds() {
        byte[] deep = "{\"x\":".concat("[".repeat(200_000)).getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> JsonToProtobuf.convert(Signal.TRACES, deep))
                .isInstanceOf(MalformedTelemetryException.class);
    }

    @Test
    void mutationsAreAnsweredWithoutHarm() throws Exception {
        long seed = new Random().nextLong();
        System.out.println("seed=" + seed);
        Mutator mutator = new Mutator(seed, List.of(official(traces()), official(metrics())));
        for (int i = 0; i < 3000; i++) {
            byte[] json = mutator.next();
            try {
                JsonToProtobuf.convert(i % 2 == 0 ? Signal.TRACES : Signal.METRICS, json);
            } catch (MalformedTelemetryException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }

    @Test
    void responses() throws Exception {
        byte[] partial = "{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"odd\"}}"
                .getBytes(StandardCharsets.UTF_8);
        assertThat(JsonResponse.partialSuccess(partial)).isEqualTo(new PartialSuccess(2, "odd"));
        assertThat(JsonResponse.partialSuccess("{}".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(PartialSuccess.NONE);
        assertThat(JsonResponse.statusMessage("{\"code\":3,\"message\":\"no\"}".getBytes(StandardCharsets.UTF_8)))
                .isEqualTo("no");
    }
}
