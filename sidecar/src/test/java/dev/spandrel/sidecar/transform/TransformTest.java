package dev.spandrel.sidecar.transform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.Telemetry;
import io.opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.common.v1.KeyValueList;
import io.opentelemetry.proto.logs.v1.LogRecord;
import io.opentelemetry.proto.logs.v1.ResourceLogs;
import io.opentelemetry.proto.logs.v1.ScopeLogs;
import io.opentelemetry.proto.metrics.v1.Exemplar;
import io.opentelemetry.proto.metrics.v1.Histogram;
import io.opentelemetry.proto.metrics.v1.HistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.ResourceMetrics;
import io.opentelemetry.proto.metrics.v1.ScopeMetrics;
import io.opentelemetry.proto.resource.v1.Resource;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Rewriting, read back with the official classes. */
class TransformTest {
    private static final Transform ENRICHER =
            new ResourceEnricher(Map.of("k8s.pod.name", "llm-0", "service.name", "from the pod"));

    private static KeyValue attribute(String key, String value) {
        return KeyValue.newBuilder().setKey(key).setValue(text(value)).build();
    }

    private static AnyValue text(String value) {
        return AnyValue.newBuilder().setStringValue(value).build();
    }

    private static Redactor redactor(Set<String> names, String... patterns) {
        return new Redactor(new RedactionRules(
                names, List.of(patterns).stream().map(Pattern::compile).toList(), false));
    }

    private static ExportTraceServiceRequest request(Resource resource, Span... spans) {
        return ExportTraceServiceRequest.newBuilder()
                .addResourceSpans(ResourceSpans.newBuilder()
                        .setResource(resource)
                        .addScopeSpans(ScopeSpans.newBuilder().addAllSpans(List.of(spans))))
                .build();
    }

    @Test
    void missingResourceAttributesAreAddedAndThoseOfTheSenderStay() throws Exception {
        ExportTraceServiceRequest sent = request(
                Resource.newBuilder()
                        .addAttributes(attribute("service.name", "mine"))
                        .build(),
                Span.newBuilder().setName("a").build());
        ExportTraceServiceRequest got =
                ExportTraceServiceRequest.parseFrom(ENRICHER.apply(Signal.TRACES, sent.toByteArray()));
        assertThat(got.getResourceSpans(0).getResource().getAttributesList())
                .containsExactlyInAnyOrder(attribute("service.name", "mine"), attribute("k8s.pod.name", "llm-0"));
        assertThat(got.getResourceSpans(0).getScopeSpansList())
                .isEqualTo(sent.getResourceSpans(0).getScopeSpansList());
    }

    @Test
    void aRequestWithoutAResourceGetsOneAndOneThatHasAllIsNotCopied() throws Exception {
        ExportTraceServiceRequest sent = ExportTraceServiceRequest.newBuilder()
                .addResourceSpans(ResourceSpans.newBuilder().setSchemaUrl("s"))
                .build();
        byte[] once = ENRICHER.apply(Signal.TRACES, sent.toByteArray());
        assertThat(ExportTraceServiceRequest.parseFrom(once)
                        .getResourceSpans(0)
                        .getResource()
                        .getAttributesCount())
                .isEqualTo(2);
        assertThat(ENRICHER.apply(Signal.TRACES, once)).isSameAs(once);
    }

    @Test
    void whatNothingAppliesToIsTheSameArray() throws Exception {
        byte[] spans = Telemetry.spans(0, 5).toByteArray();
        assertThat(redactor(Set.of("absent"), "neverthere").apply(Signal.TRACES, spans))
                .isSameAs(spans);
        byte[] points = Telemetry.points(5).toByteArray();
        assertThat(redactor(Set.of("absent")).apply(Signal.METRICS, points)).isSameAs(points);
    }

    @Test
    void namedAttributesAreMaskedAtEveryLevelAndUnknownFieldsStay() throws Exception {
        UnknownFieldSet unknown = UnknownFieldSet.newBuilder()
                .addField(777, UnknownFieldSet.Field.newBuilder().addVarint(5).build())
                .build();
        KeyValue nested = KeyValue.newBuilder()
                .setKey("outer")
                .setValue(AnyValue.newBuilder()
                        .setKvlistValue(KeyValueList.newBuilder().addValues(attribute("secret", "x"))))
                .build();
        Span span = Span.newBuilder()
                .setName("a")
                .addAttributes(attribute("secret.key", "x"))
                .addAttributes(nested)
                .addEvents(Span.Event.newBuilder().addAttributes(attribute("secret", "x")))
                .addLinks(Span.Link.newBuilder().addAttributes(attribute("secret", "x")))
                .setUnknownFields(unknown)
                .build();
        ExportTraceServiceRequest sent = request(
                Resource.newBuilder().addAttributes(attribute("secret", "x")).build(), span);
        ExportTraceServiceRequest got = ExportTraceServiceRequest.parseFrom(
                redactor(Set.of("secret*")).apply(Signal.TRACES, sent.toByteArray()));
        assertThat(got.toString().replace("[redacted]", "x")).isEqualTo(sent.toString());
        assertThat(got.toString().split("\\[redacted]", -1)).hasSize(6);
    }

    @Test
    void attributesOfDataPointsAndExemplarsAreMasked() throws Exception {
        HistogramDataPoint point = HistogramDataPoint.newBuilder()
                .addAttributes(attribute("secret", "x"))
                .addExemplars(Exemplar.newBuilder().addFilteredAttributes(attribute("secret", "x")))
                .build();
        ExportMetricsServiceRequest sent = ExportMetricsServiceRequest.newBuilder()
                .addResourceMetrics(ResourceMetrics.newBuilder()
                        .addScopeMetrics(ScopeMetrics.newBuilder()
                                .addMetrics(Metric.newBuilder()
                                        .setHistogram(Histogram.newBuilder().addDataPoints(point)))))
                .build();
        String got = ExportMetricsServiceRequest.parseFrom(
                        redactor(Set.of("secret")).apply(Signal.METRICS, sent.toByteArray()))
                .toString();
        assertThat(got.replace("[redacted]", "x")).isEqualTo(sent.toString());
        assertThat(got.split("\\[redacted]", -1)).hasSize(3);
    }

    @Test
    void patternsMaskOnlyWhatMatches() throws Exception {
        Span span = Span.newBuilder()
                .setName("GET /users/4111111111111111")
                .addAttributes(attribute("note", "card 4111111111111111 é"))
                .setStatus(Status.newBuilder().setMessage("refused 4111111111111111"))
                .build();
        byte[] got = redactor(Set.of(), "\\b\\d{16}\\b")
                .apply(
                        Signal.TRACES,
                        request(Resource.getDefaultInstance(), span).toByteArray());
        Span read = ExportTraceServiceRequest.parseFrom(got)
                .getResourceSpans(0)
                .getScopeSpans(0)
                .getSpans(0);
        assertThat(read.getName()).isEqualTo("GET /users/[redacted]");
        assertThat(read.getAttributes(0)).isEqualTo(attribute("note", "card [redacted] é"));
        assertThat(read.getStatus().getMessage()).isEqualTo("refused [redacted]");
    }

    @Test
    void contentOfModelsGoesByOneSwitch() throws Exception {
        Transform redactor = new Redactor(new RedactionRules(Set.of(), List.of(), true));
        LogRecord event = LogRecord.newBuilder()
                .setEventName("gen_ai.user.message")
                .setBody(text("what I asked"))
                .addAttributes(attribute("gen_ai.input.messages", "what I asked"))
                .addAttributes(attribute("gen_ai.request.model", "tiny"))
                .build();
        LogRecord plain = LogRecord.newBuilder().setBody(text("started")).build();
        ExportLogsServiceRequest sent = ExportLogsServiceRequest.newBuilder()
                .addResourceLogs(ResourceLogs.newBuilder()
                        .addScopeLogs(
                                ScopeLogs.newBuilder().addLogRecords(event).addLogRecords(plain)))
                .build();
        ExportLogsServiceRequest got =
                ExportLogsServiceRequest.parseFrom(redactor.apply(Signal.LOGS, sent.toByteArray()));
        assertThat(got.toString()).doesNotContain("what I asked").contains("tiny", "started");
        assertThat(got.getResourceLogs(0).getScopeLogs(0).getLogRecords(0).getBody())
                .isEqualTo(text("[redacted]"));
    }

    @Test
    void whatCannotBeReadToTheLastAttributeIsRefused() {
        Span broken = Span.newBuilder()
                .setUnknownFields(UnknownFieldSet.newBuilder()
                        .addField(
                                9,
                                UnknownFieldSet.Field.newBuilder()
                                        .addLengthDelimited(ByteString.copyFrom(new byte[] {10, 100}))
                                        .build())
                        .build())
                .build();
        byte[] body = request(Resource.getDefaultInstance(), broken).toByteArray();
        assertThatThrownBy(() -> redactor(Set.of("a")).apply(Signal.TRACES, body))
                .isInstanceOf(MalformedTelemetryException.class);
        AnyValue deep = text("x");
        for (int i = 0; i < 200; i++) {
            deep = AnyValue.newBuilder()
                    .setKvlistValue(KeyValueList.newBuilder()
                            .addValues(KeyValue.newBuilder().setKey("k").setValue(deep)))
                    .build();
        }
        Span nested = Span.newBuilder()
                .addAttributes(KeyValue.newBuilder().setKey("k").setValue(deep))
                .build();
        byte[] deepBody = request(Resource.getDefaultInstance(), nested).toByteArray();
        assertThatThrownBy(() -> redactor(Set.of("a")).apply(Signal.TRACES, deepBody))
                .hasMessageContaining("deeper than 100");
    }

    @Test
    void theEnvironmentNamesThePod() {
        assertThat(ResourceAttributes.from(
                        Map.of(
                                "OTEL_RESOURCE_ATTRIBUTES",
                                "service.name=a%2Cb,k8s.pod.name=from otel, odd",
                                "K8S_POD_NAME",
                                "pod",
                                "K8S_NAMESPACE_NAME",
                                "ns"),
                        warning -> assertThat(warning).contains("odd")))
                .isEqualTo(Map.of("service.name", "a,b", "k8s.pod.name", "from otel", "k8s.namespace.name", "ns"));
    }
}
