package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.server.Waiting;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

/** Steps as spans: a trace of their own, links to requests, children that lie inside. */
class StepSpansTest {
    private static final SpanContext REQUEST = SpanContext.create(
            "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", TraceFlags.getSampled(), TraceState.getDefault());

    private final InMemorySpanExporter exported = InMemorySpanExporter.create();
    private final SpanIds ids = new SpanIds();

    @AutoClose
    private final Telemetry telemetry = Telemetry.of(
            OpenTelemetrySdk.builder()
                    .setTracerProvider(SdkTracerProvider.builder()
                            .setIdGenerator(ids)
                            .addSpanProcessor(SimpleSpanProcessor.create(exported))
                            .build())
                    .build(),
            ids);

    private static StepSpans spans(double ratio, Set<DetailedTraces> kinds) {
        TraceSettings settings = new TraceSettings(AttributeStyle.BOTH, kinds, 0, ratio, List.of(), 0);
        return new StepSpans(settings, () -> 0.5, InstantSource.system(), System::nanoTime);
    }

    private static StepRecord step(long index) {
        StepDetail detail = new StepDetail(
                List.of(new StepDetail.Member("cmpl-1-0", REQUEST, 3), new StepDetail.Member("other", null, 1)),
                5,
                40,
                1_000_000,
                2_000_000,
                500_000,
                List.of(
                        new StepDetail.Call("layerNorm", "layerNorm", 1_200_000, 1_500_000, 300_000),
                        new StepDetail.Call("attend", "attention", 1_500_000, 2_500_000, 900_000)),
                0,
                List.of(
                        new StepDetail.DeviceTime("attention", 700_000),
                        new StepDetail.DeviceTime("layerNorm", 100_000)));
        return new StepRecord(index, 0, 1_000_000, 3_000_000, 4_000_000, 2, 3, 1, 0, Optional.of(detail));
    }

    @Test
    void aStepIsATraceWithLinksAndChildren() {
        try (StepSpans spans = spans(1, Set.of(DetailedTraces.STEP))) {
            spans.start(telemetry);
            spans.onStep(step(7));
            Waiting.until(() -> exported.getFinishedSpanItems().size() == 6, "the step's six spans");
        }
        SpanData step = named("engine.step");
        assertThat(step.getParentSpanContext().isValid()).isFalse();
        assertThat(step.getTraceId()).isNotEqualTo(REQUEST.getTraceId());
        assertThat(step.getLinks()).extracting(LinkData::getSpanContext).containsExactly(REQUEST);
        assertThat(step.getAttributes().get(SpanKeys.STEP)).isEqualTo(7);
        assertThat(step.getAttributes().get(SpanKeys.BLOCKS_USED)).isEqualTo(5);
        assertThat(step.getEndEpochNanos() - step.getStartEpochNanos()).isEqualTo(4_000_000);
        SpanData forward = named("forward");
        assertThat(forward.getParentSpanId()).isEqualTo(step.getSpanId());
        assertThat(named("layer_norm").getParentSpanId()).isEqualTo(forward.getSpanId());
        SpanData attention = named("attention");
        assertThat(attention.getAttributes().get(SpanKeys.CPU_TIME)).isEqualTo(0.0009);
        assertThat(attention.getAttributes().get(SpanKeys.VERB)).isEqualTo("attend");
        assertThat(named("layer_norm").getAttributes().get(SpanKeys.VERB)).isNull();
        assertThat(forward.getAttributes().get(SpanKeys.DEVICE_TIME)).isEqualTo(0.0008);
        assertThat(forward.getAttributes().get(AttributeKey.doubleKey("spandrel.device_time.attention")))
                .isEqualTo(0.0007);
        assertThat(forward.getAttributes().get(AttributeKey.doubleKey("spandrel.device_time.layer_norm")))
                .isEqualTo(0.0001);
        assertThat(attention.getStartEpochNanos() - step.getStartEpochNanos()).isEqualTo(1_500_000);
        assertThat(named("sample").getEndEpochNanos()).isEqualTo(step.getEndEpochNanos());
    }

    @Test
    void chanceDecidesAndNothingIsAskedForWithoutTheFlag() {
        try (StepSpans half = spans(0.5, Set.of(DetailedTraces.STEP));
                StepSpans more = spans(0.51, Set.of(DetailedTraces.STEP));
                StepSpans none = spans(1, Set.of())) {
            half.start(telemetry);
            more.start(telemetry);
            none.start(telemetry);
            assertThat(half.wantsDetail(0)).isFalse();
            assertThat(more.wantsDetail(0)).isTrue();
            assertThat(none.detailed()).isFalse();
            assertThat(none.wantsDetail(0)).isFalse();
        }
    }

    @Test
    void aFullQueueDropsAndCounts() {
        try (StepSpans spans = spans(1, Set.of(DetailedTraces.STEP))) {
            for (int i = 0; i < 300; i++) {
                spans.onStep(step(i));
            }
            assertThat(spans.dropped()).isEqualTo(300 - 256);
        }
    }

    private SpanData named(String name) {
        return exported.getFinishedSpanItems().stream()
                .filter(span -> span.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
