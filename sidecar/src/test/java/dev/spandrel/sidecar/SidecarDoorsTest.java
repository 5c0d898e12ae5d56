package dev.spandrel.sidecar;

import static dev.spandrel.sidecar.TestSidecar.awaitBalanced;
import static dev.spandrel.sidecar.TestSidecar.freePort;
import static dev.spandrel.sidecar.TestSidecar.gzip;
import static dev.spandrel.sidecar.TestSidecar.page;
import static dev.spandrel.sidecar.TestSidecar.post;
import static dev.spandrel.sidecar.TestSidecar.start;
import static dev.spandrel.sidecar.TestSidecar.to;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import com.google.protobuf.util.JsonFormat;
import dev.spandrel.sidecar.otlp.RpcStatus;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.BackendDouble;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Telemetry;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the sidecar takes by gRPC and by HTTP, and how it says what it does not take. */
@Timeout(120)
class SidecarDoorsTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http/protobuf", "http/json", "auto"})
    void everySignalPassesThroughByEitherDoorAndIsAccountedFor(String protocol) throws Exception {
        try (BackendDouble backend = new BackendDouble();
                Sidecar sidecar = start(folder, to(backend, protocol));
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            ExportTraceServiceRequest first = Telemetry.spans(0, 3);
            ExportTraceServiceRequest second = Telemetry.spans(3, 4);
            assertThat(sender.send(GrpcSender.TRACES, first.toByteArray(), false))
                    .isEmpty();
            assertThat(sender.send(GrpcSender.LOGS, Telemetry.logs(5).toByteArray(), true))
                    .isEmpty();
            HttpResponse<byte[]> answer =
                    post(sidecar, "/v1/traces", gzip(second.toByteArray()), "Content-Encoding", "gzip");
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.body()).isEmpty();
            assertThat(answer.headers().firstValue("Content-Type")).contains("application/x-protobuf");
            byte[] zstd = Zstd.compress(Telemetry.points(6).toByteArray());
            assertThat(post(sidecar, "/v1/metrics", zstd, "Content-Encoding", "zstd")
                            .statusCode())
                    .isEqualTo(200);

            byte[] json = JsonFormat.printer().print(Telemetry.points(2)).getBytes(StandardCharsets.UTF_8);
            HttpResponse<byte[]> jsonAnswer =
                    post(sidecar, "/v1/metrics", json, "Content-Type", "application/json; charset=utf-8");
            assertThat(jsonAnswer.statusCode()).isEqualTo(200);
            assertThat(jsonAnswer.body()).isEqualTo("{}".getBytes(StandardCharsets.UTF_8));

            awaitBalanced(sidecar, Signal.TRACES, 7);
            awaitBalanced(sidecar, Signal.METRICS, 8);
            awaitBalanced(sidecar, Signal.LOGS, 5);
            assertThat(backend.spans().keySet())
                    .containsExactlyInAnyOrderElementsOf(
                            LongStream.range(0, 7).boxed().toList());
            ExportTraceServiceRequest merged = backend.traces().stream()
                    .reduce((a, b) -> a.toBuilder().mergeFrom(b).build())
                    .orElseThrow();
            assertThat(merged).isEqualTo(first.toBuilder().mergeFrom(second).build());
            assertThat(backend.metrics().stream().flatMap(request -> request.getResourceMetricsList().stream()))
                    .containsExactly(
                            Telemetry.points(6).getResourceMetrics(0),
                            Telemetry.points(2).getResourceMetrics(0));
            assertThat(backend.logs()).containsExactly(Telemetry.logs(5));
        }
    }

    @Test
    void whatIsWrongWithAnHttpRequestIsSaidInTheSpecificationsWords() throws Exception {
        try (Sidecar sidecar = start(folder, Map.of())) {
            byte[] spans = Telemetry.spans(0, 1).toByteArray();
            HttpResponse<byte[]> garbage = post(sidecar, "/v1/traces", "garbage".getBytes(StandardCharsets.UTF_8));
            assertThat(garbage.statusCode()).isEqualTo(400);
            assertThat(garbage.headers().firstValue("Content-Type")).contains("application/x-protobuf");
            RpcStatus status = RpcStatus.fromProtobuf(garbage.body());
            assertThat(status.code()).isEqualTo(Status.Code.INVALID_ARGUMENT.value());
            assertThat(status.message()).contains("wire type");

            assertThat(post(sidecar, "/v1/traces", spans, "Content-Type", "text/plain")
                            .statusCode())
                    .isEqualTo(415);
            assertThat(post(sidecar, "/v1/traces", spans, "Content-Encoding", "br")
                            .statusCode())
                    .isEqualTo(415);
            assertThat(post(sidecar, "/v1/traces", spans, "Content-Encoding", "gzip")
                            .statusCode())
                    .isEqualTo(400);
            HttpResponse<byte[]> badJson = post(
                    sidecar, "/v1/traces", "[".getBytes(StandardCharsets.UTF_8), "Content-Type", "application/json");
            assertThat(badJson.statusCode()).isEqualTo(400);
            assertThat(new String(badJson.body(), StandardCharsets.UTF_8))
                    .startsWith("{\"code\":3,\"message\":\"not an export request");
            assertThat(post(sidecar, "/v1/nothing", spans).statusCode()).isEqualTo(404);
            assertThat(post(sidecar, "/v1/traces", new byte[(1 << 20) + 1]).statusCode())
                    .isEqualTo(413);
            assertThat(post(sidecar, "/v1/traces", gzip(new byte[8 << 20]), "Content-Encoding", "gzip")
                            .statusCode())
                    .isEqualTo(413);
            assertThat(post(sidecar, "/v1/traces", Zstd.compress(new byte[8 << 20]), "Content-Encoding", "zstd")
                            .statusCode())
                    .isEqualTo(413);
            assertThat(post(sidecar, "/v1/traces", spans, "Content-Encoding", "zstd")
                            .statusCode())
                    .isEqualTo(400);
            HttpResponse<byte[]> get = TestSidecar.HTTP.send(
                    HttpRequest.newBuilder(URI.create(
                                    "http://127.0.0.1:" + sidecar.doors().httpPort() + "/v1/traces"))
                            .build(),
                    HttpResponse.BodyHandlers.ofByteArray());
            assertThat(get.statusCode()).isEqualTo(405);
            assertThat(get.headers().firstValue("Allow")).contains("POST");
            assertThat(post(sidecar, "/v1/traces", new byte[0]).statusCode()).isEqualTo(200);
            assertThat(post(sidecar, "/v1/traces", spans).statusCode()).isEqualTo(200);
            String metrics = page(sidecar, "/metrics");
            assertThat(metrics)
                    .contains("spandrel_sidecar_refused_requests_total{kind=\"malformed\"} 4")
                    .contains("spandrel_sidecar_refused_requests_total{kind=\"media_type\"} 2")
                    .contains("spandrel_sidecar_refused_requests_total{kind=\"too_large\"} 3")
                    .contains("otelcol_receiver_accepted_spans_total{receiver=\"otlp\",transport=\"http\"} 1");
        }
    }

    @Test
    void whatIsWrongWithAGrpcRequestIsSaidByItsCode() throws Exception {
        try (Sidecar sidecar = start(folder, Map.of());
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            byte[] garbage = "garbage".getBytes(StandardCharsets.UTF_8);
            assertRefused(sender, GrpcSender.TRACES, garbage, false, Status.Code.INVALID_ARGUMENT);
            assertRefused(sender, GrpcSender.TRACES, new byte[(1 << 20) + 1], false, Status.Code.RESOURCE_EXHAUSTED);
            assertRefused(sender, GrpcSender.TRACES, new byte[(1 << 20) + 1], true, Status.Code.RESOURCE_EXHAUSTED);
            assertRefused(sender, "some.Service/Method", garbage, false, Status.Code.UNIMPLEMENTED);
            sender.send(Telemetry.spans(0, 2));
            assertThat(page(sidecar, "/metrics"))
                    .contains("spandrel_sidecar_refused_requests_total{kind=\"malformed\"} 1")
                    .contains("spandrel_sidecar_refused_requests_total{kind=\"too_large\"} 2")
                    .contains("otelcol_receiver_accepted_spans_total{receiver=\"otlp\",transport=\"grpc\"} 2");
        }
    }

    private static void assertRefused(
            GrpcSender sender, String method, byte[] body, boolean gzip, Status.Code expected) {
        assertThatThrownBy(() -> sender.send(method, body, gzip))
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode())
                                .as(e.getMessage())
                                .isEqualTo(expected));
    }

    @Test
    void gzipAndZstdAreTakenOverGrpcWithinTheLimitOfWhatTheyHold() throws Exception {
        try (Sidecar sidecar = start(folder, Map.of());
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            for (String encoding : List.of("gzip", "zstd")) {
                assertThat(sender.send(GrpcSender.LOGS, Telemetry.logs(500).toByteArray(), encoding))
                        .isEmpty();
                assertThatThrownBy(() -> sender.send(GrpcSender.LOGS, new byte[8 << 20], encoding))
                        .isInstanceOfSatisfying(
                                StatusRuntimeException.class,
                                e -> assertThat(e.getStatus().getCode())
                                        .as(encoding)
                                        .isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
            }
            assertThat(page(sidecar, "/metrics"))
                    .contains("spandrel_sidecar_refused_requests_total{kind=\"too_large\"} 2")
                    .contains("otelcol_receiver_accepted_log_records_total{receiver=\"otlp\",transport=\"grpc\"} 1000");
        }
    }

    @Test
    void aFullJournalAsksForPatienceOnBothDoors() throws Exception {
        int port = freePort();
        try (Sidecar sidecar = start(
                        folder,
                        Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:" + port),
                        "--journal-max-bytes=100000",
                        "--drain-timeout=1");
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            // Two of them do not fit, one does: room will be made once the backend is there.
            byte[] large = Telemetry.spans(0, 400).toByteArray();
            assertThat(large).hasSizeBetween(45_000, 80_000);
            sender.send(GrpcSender.TRACES, large, false);
            assertThatThrownBy(() -> sender.send(GrpcSender.TRACES, large, false))
                    .isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
                        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
                        assertThat(RpcStatus.fromProtobuf(e.getTrailers().get(GrpcSender.DETAILS))
                                        .retryDelay())
                                .isPresent();
                    });
            HttpResponse<byte[]> refused = post(sidecar, "/v1/traces", large);
            assertThat(refused.statusCode()).isEqualTo(503);
            assertThat(refused.headers().firstValue("Retry-After")).contains("1");
            assertThat(page(sidecar, "/ready")).isEqualTo("ready\n");
        }
    }

    @Test
    void whatNoEmptyJournalWouldKeepIsRefusedForGoodOnBothDoors() throws Exception {
        try (Sidecar sidecar = start(folder, Map.of(), "--journal-max-bytes=100000");
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            byte[] large = Telemetry.spans(0, 1000).toByteArray();
            String[] why = {large.length + " bytes of traces", "at most ", "--journal-max-bytes"};
            assertThatThrownBy(() -> sender.send(GrpcSender.TRACES, large, false))
                    .isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
                        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
                        assertThat(e.getStatus().getDescription()).contains(why);
                        // With a delay in its details this code would mean: try again.
                        assertThat(e.getTrailers().containsKey(GrpcSender.DETAILS))
                                .isFalse();
                    });
            HttpResponse<byte[]> refused = post(sidecar, "/v1/traces", large);
            assertThat(refused.statusCode()).isEqualTo(413);
            assertThat(refused.headers().firstValue("Retry-After")).isEmpty();
            assertThat(RpcStatus.fromProtobuf(refused.body()).message()).contains(why);
            assertThat(page(sidecar, "/metrics"))
                    .contains("spandrel_sidecar_refused_requests_total{kind=\"too_large\"} 2")
                    .contains("otelcol_receiver_refused_spans_total{receiver=\"otlp\",transport=\"grpc\"} 1000")
                    .contains("otelcol_receiver_refused_spans_total{receiver=\"otlp\",transport=\"http\"} 1000");
            sender.send(Telemetry.spans(0, 2));
        }
    }
}
