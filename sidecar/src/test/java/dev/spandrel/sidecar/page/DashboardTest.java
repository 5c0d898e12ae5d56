package dev.spandrel.sidecar.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import dev.spandrel.sidecar.page.Dashboard.Sample;
import dev.spandrel.sidecar.testing.Telemetry;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.metrics.v1.AggregationTemporality;
import io.opentelemetry.proto.metrics.v1.Gauge;
import io.opentelemetry.proto.metrics.v1.Histogram;
import io.opentelemetry.proto.metrics.v1.HistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.proto.metrics.v1.ResourceMetrics;
import io.opentelemetry.proto.metrics.v1.ScopeMetrics;
import io.opentelemetry.proto.metrics.v1.Sum;
import java.util.List;
import org.junit.jupiter.api.Test;

class DashboardTest {
    private final Dashboard dashboard = new Dashboard();

    private static byte[] request(String service, Metric.Builder... metrics) {
        ScopeMetrics.Builder scope = ScopeMetrics.newBuilder();
        for (Metric.Builder metric : metrics) {
            scope.addMetrics(metric);
        }
        return ExportMetricsServiceRequest.newBuilder()
                .addResourceMetrics(ResourceMetrics.newBuilder()
                        .setResource(Telemetry.resource(service))
                        .addScopeMetrics(scope))
                .build()
                .toByteArray();
    }

    private static Metric.Builder gauge(String name, double value) {
        return Metric.newBuilder()
                .setName(name)
                .setGauge(Gauge.newBuilder()
                        .addDataPoints(NumberDataPoint.newBuilder().setAsDouble(value)));
    }

    private static Metric.Builder counter(String name, long value, AggregationTemporality temporality) {
        return Metric.newBuilder()
                .setName(name)
                .setSum(Sum.newBuilder()
                        .setAggregationTemporality(temporality)
                        .addDataPoints(NumberDataPoint.newBuilder().setAsInt(value)));
    }

    private static Metric.Builder generated(long value) {
        return counter(
                "spandrel.engine.tokens.generated", value, AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE);
    }

    private static Metric.Builder firstToken(List<Double> bounds, List<Long> counts) {
        return Metric.newBuilder()
                .setName("gen_ai.server.time_to_first_token")
                .setHistogram(Histogram.newBuilder()
                        .setAggregationTemporality(AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE)
                        .addDataPoints(HistogramDataPoint.newBuilder()
                                .setCount(counts.stream()
                                        .mapToLong(Long::longValue)
                                        .sum())
                                .addAllExplicitBounds(bounds)
                                .addAllBucketCounts(counts)));
    }

    private Sample last() {
        return dashboard.view().samples().getLast();
    }

    @Test
    void gaugesAreSummedOverServersAndTheFullestCacheCounts() throws Exception {
        dashboard.accept(
                request(
                        "a",
                        gauge("spandrel.engine.requests.running", 2),
                        gauge("spandrel.engine.kv_cache.usage", .25)),
                1000);
        dashboard.accept(
                request("b", gauge("vllm:num_requests_running", 3), gauge("vllm:kv_cache_usage_perc", .5)), 2000);
        assertThat(last().running()).isEqualTo(5);
        assertThat(last().kvUsage()).isEqualTo(.5);
        assertThat(dashboard.view().samples()).hasSize(2);
    }

    @Test
    void aRateIsWhatACounterGrewByTheSecond() throws Exception {
        dashboard.accept(request("a", generated(1000)), 1000);
        assertThat(last().tokenRate()).isZero();
        dashboard.accept(request("a", generated(1300)), 3000);
        assertThat(last().tokenRate()).isEqualTo(150);
        // a restart of the server
        dashboard.accept(request("a", generated(10)), 4000);
        assertThat(last().tokenRate()).isZero();
    }

    @Test
    void twoServersWithinAMomentAreOneSampleAndLoseNoTokens() throws Exception {
        dashboard.accept(request("a", generated(0)), 1000);
        dashboard.accept(request("b", generated(0)), 1100);
        dashboard.accept(request("a", generated(100)), 2000);
        dashboard.accept(request("b", generated(50)), 2100);
        dashboard.accept(request("a", generated(100)), 3000);
        assertThat(dashboard.view().samples()).hasSize(3);
        double tokens = dashboard.view().samples().stream()
                .mapToDouble(Sample::tokenRate)
                .sum();
        assertThat(tokens).isEqualTo(150);
    }

    @Test
    void deltasAddUp() throws Exception {
        AggregationTemporality delta = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA;
        dashboard.accept(request("a", counter("vllm:generation_tokens_total", 40, delta)), 1000);
        dashboard.accept(request("a", counter("vllm:generation_tokens_total", 60, delta)), 2000);
        assertThat(last().tokenRate()).isEqualTo(60);
    }

    @Test
    void histogramsOfOneShapeAreSummed() throws Exception {
        dashboard.accept(request("a", firstToken(List.of(.1, .2), List.of(1L, 2L, 3L))), 1000);
        dashboard.accept(request("b", firstToken(List.of(.1, .2), List.of(10L, 20L, 30L))), 1000);
        assertThat(dashboard.view().firstToken().bounds()).containsExactly(.1, .2);
        assertThat(dashboard.view().firstToken().counts()).containsExactly(11, 22, 33);
    }

    @Test
    void aServerThatIsGoneIsNotCountedForEver() throws Exception {
        dashboard.accept(request("gone", gauge("spandrel.engine.requests.running", 4)), 1000);
        dashboard.accept(request("here", gauge("spandrel.engine.requests.running", 1)), 200_000);
        assertThat(last().running()).isEqualTo(1);
    }

    @Test
    void otherMetricsAreNoneOfOurs() throws Exception {
        assertThat(dashboard.accept(request("a", gauge("queue", 4)), 1000)).isFalse();
        assertThat(dashboard.view().samples()).isEmpty();
    }

    @Test
    void aHistogramWhoseBucketsDoNotFitItsBoundsIsMalformed() {
        assertThatThrownBy(() -> dashboard.accept(request("a", firstToken(List.of(.1), List.of(1L))), 1000))
                .isInstanceOf(MalformedTelemetryException.class)
                .hasMessageContaining("1 buckets for 1 bounds");
    }

    @Test
    void samplesAreBounded() throws Exception {
        for (int i = 0; i < 500; i++) {
            dashboard.accept(request("a", generated(i)), i * 1000L);
        }
        assertThat(dashboard.view().samples()).hasSize(300);
        assertThat(dashboard.latest().samples()).hasSize(1);
    }
}
