package dev.spandrel.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import com.google.protobuf.util.JsonFormat;
import com.sun.net.httpserver.HttpServer;
import dev.spandrel.sidecar.exporter.InvalidConfigException;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.otlp.RpcStatus;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.BackendDouble;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.Fault;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Telemetry;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole sidecar in this process, between a real sender and a backend double. */
@Timeout(120)
class SidecarTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @TempDir
    private Path folder;

    private Sidecar start(Map<String, String> variables, String... flags)
            throws InvalidConfigException, StartException {
        return start(System.out, variables, flags);
    }

    private Sidecar start(PrintStream out, Map<String, String> variables, String... flags)
            throws InvalidConfigException, StartException {
        return Sidecar.start(TestConfig.of(folder, variables, flags), out);
    }

    private static Map<String, String> to(BackendDouble backend, String protocol) {
        int port = protocol.equals("grpc") ? backend.grpcPort() : backend.httpPort();
        Map<String, String> variables = new HashMap<>();
        variables.put("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        variables.put("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + port);
        return variables;
    }

    private static HttpResponse<byte[]> post(Sidecar sidecar, String path, byte[] body, String... headers)
            throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + sidecar.doors().httpPort() + path))
                .header("Content-Type", "application/x-protobuf")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        for (int i = 0; i < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static byte[] gzip(byte[] body) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            out.write(body);
        }
        return bytes.toByteArray();
    }

    private static void awaitBalanced(Sidecar sidecar, Signal signal, long received) {
        Eventually.that(
                () -> sidecar.ledger("default", signal).received() == received
                        && sidecar.ledger("default", signal).queued() == 0,
                () -> sidecar.ledger("default", signal));
        assertThat(sidecar.ledger("default", signal).balanced()).isTrue();
        Eventually.that(
                () -> sidecar.journal(signal).items() == 0,
                () -> sidecar.journal(signal).items());
    }

    @Test
    void noneKeepsASignalFromTheBackend() throws Exception {
        Map<String, String> variables =
                Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4", "OTEL_METRICS_EXPORTER", "none");
        SidecarConfig config = TestConfig.of(folder, variables);
        assertThat(config.delivers(Signal.METRICS)).isFalse();
        assertThat(config.delivers(Signal.TRACES)).isTrue();
        assertThat(config.delivers(Signal.LOGS)).isTrue();
    }

    @Test
    void thePageIsOffUnlessAskedForAndTakesATokenAwayFromLoopback() throws Exception {
        assertThat(TestConfig.of(folder, Map.of()).page()).isEmpty();
        assertThat(TestConfig.of(folder, Map.of(), "--trace-page").page())
                .hasValueSatisfying(page -> assertThat(page.token()).isEmpty());
        assertThat(TestConfig.of(folder, Map.of(), "--trace-page", "--trace-page-host=0.0.0.0")
                        .page())
                .hasValueSatisfying(page -> assertThat(page.token())
                        .hasValueSatisfying(token -> assertThat(token).hasSize(32)));
    }

    @Test
    void theReadyLineHasThePage() throws Exception {
        try (Sidecar sidecar = start(Map.of(), "--trace-page", "--trace-page-port=0", "--trace-page-token=let-me-in")) {
            assertThat(sidecar.readyLine())
                    .contains(", page http://127.0.0.1:" + sidecar.doors().pagePort()
                            + "/?token=let-me-in, to no backend");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http/protobuf", "http/json", "auto"})
    void everySignalPassesThroughByEitherDoorAndIsAccountedFor(String protocol) throws Exception {
        try (BackendDouble backend = new BackendDouble();
                Sidecar sidecar = start(to(backend, protocol));
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

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http/protobuf"})
    void headersAndCompressionReachTheBackend(String protocol) throws Exception {
        try (BackendDouble backend = new BackendDouble()) {
            Map<String, String> variables = to(backend, protocol);
            variables.put("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20a+b,x=1");
            variables.put("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
            try (Sidecar sidecar = start(variables);
                    GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
                sender.send(Telemetry.spans(0, 50));
                awaitBalanced(sidecar, Signal.TRACES, 50);
            }
            Map<String, String> headers = backend.headers().getFirst();
            assertThat(headers.get("authorization")).isEqualTo("Bearer a+b");
            assertThat(headers.get("user-agent")).startsWith("spandrel-sidecar/");
            assertThat(headers.get(protocol.equals("grpc") ? "grpc-encoding" : "content-encoding"))
                    .isEqualTo("gzip");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http/protobuf"})
    void aBackendThatRefusesForAWhileGetsEverythingInTheEnd(String protocol) throws Exception {
        AtomicInteger refusals = new AtomicInteger(3);
        try (BackendDouble backend = new BackendDouble();
                Sidecar sidecar = start(to(backend, protocol));
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            backend.script(_ -> refusals.getAndDecrement() > 0
                    ? Optional.of(new Fault.Refuse(Status.UNAVAILABLE, 503))
                    : Optional.empty());
            sender.send(Telemetry.spans(0, 10));
            awaitBalanced(sidecar, Signal.TRACES, 10);
            assertThat(sidecar.ledger("default", Signal.TRACES).delivered()).isEqualTo(10);
            assertThat(backend.spans()).hasSize(10).containsValue(1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http/protobuf", "http/json"})
    void aBackendOfEveryTemperLeavesNothingUnaccountedFor(String protocol) throws Exception {
        long seed = System.nanoTime();
        System.out.println("temper seed=" + seed);
        Random random = new Random(seed);
        // All on one batch, waits of 0.5, 1, 2, 4 and 8 s and dates a second ahead still end in time.
        AtomicInteger faults = new AtomicInteger(5);
        try (BackendDouble backend = new BackendDouble()) {
            Map<String, String> variables = to(backend, protocol);
            variables.put("OTEL_EXPORTER_OTLP_TIMEOUT", "300");
            try (Sidecar sidecar = start(variables, "--batch-max-age=1");
                    GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
                backend.script(_ -> random.nextInt(3) > 0 && faults.getAndDecrement() > 0
                        ? Optional.of(fault(random))
                        : Optional.empty());
                for (int i = 0; i < 40; i++) {
                    sender.send(Telemetry.spans(i * 10L, 10));
                }
                awaitBalanced(sidecar, Signal.TRACES, 400);
                assertThat(backend.spans()).as("seed %d", seed).hasSize(400);
                assertThat(sidecar.ledger("default", Signal.TRACES).quarantined())
                        .isZero();
            }
        }
    }

    private static Fault fault(Random random) {
        String soon = DateTimeFormatter.RFC_1123_DATE_TIME.format(
                ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(1));
        return switch (random.nextInt(6)) {
            case 0 -> new Fault.Refuse(Status.UNAVAILABLE, 503);
            case 1 -> new Fault.Refuse(Status.UNAVAILABLE, 429, Optional.of(soon), Optional.empty());
            case 2 -> new Fault.Refuse(Status.UNAUTHENTICATED, 401);
            case 3 -> new Fault.Hang();
            case 4 -> new Fault.Cut();
            default -> new Fault.Partial(1, "odd");
        };
    }

    @Test
    void itsOwnSpansTellOfEachBatchButNotOfThemselves() throws Exception {
        try (BackendDouble backend = new BackendDouble();
                Sidecar sidecar = start(to(backend, "grpc"), "--own-spans");
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            sender.send(GrpcSender.LOGS, Telemetry.logs(5).toByteArray(), false);
            awaitBalanced(sidecar, Signal.TRACES, 1);
            sender.send(GrpcSender.LOGS, Telemetry.logs(7).toByteArray(), false);
            awaitBalanced(sidecar, Signal.TRACES, 2);
            // had the first one's batch made a span too, there would be three by now
            assertThat(backend.traces()).hasSize(2);
            Span span = backend.traces()
                    .getFirst()
                    .getResourceSpans(0)
                    .getScopeSpans(0)
                    .getSpans(0);
            assertThat(span.getName()).isEqualTo("export");
            assertThat(span.getEndTimeUnixNano()).isGreaterThanOrEqualTo(span.getStartTimeUnixNano());
            assertThat(span.getAttributesList().toString())
                    .contains("spandrel.sidecar.signal", "logs", "spandrel.sidecar.items", "int_value: 5");
        }
    }

    @Test
    void aRejectionByPartialSuccessIsCountedAndNotResent() throws Exception {
        try (BackendDouble backend = new BackendDouble();
                Sidecar sidecar = start(to(backend, "grpc"));
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            backend.script(_ -> Optional.of(new Fault.Partial(2, "two were odd")));
            sender.send(Telemetry.spans(0, 10));
            awaitBalanced(sidecar, Signal.TRACES, 10);
            assertThat(sidecar.ledger("default", Signal.TRACES).rejected()).isEqualTo(2);
            assertThat(sidecar.ledger("default", Signal.TRACES).delivered()).isEqualTo(8);
            assertThat(backend.traces()).hasSize(1);
        }
    }

    @Test
    void whatIsWrongWithAnHttpRequestIsSaidInTheSpecificationsWords() throws Exception {
        try (Sidecar sidecar = start(Map.of())) {
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
            HttpResponse<byte[]> get = HTTP.send(
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

    private static String page(Sidecar sidecar, String path) throws IOException, InterruptedException {
        return HTTP.send(
                        HttpRequest.newBuilder(URI.create(
                                        "http://127.0.0.1:" + sidecar.doors().healthPort() + path))
                                .build(),
                        HttpResponse.BodyHandlers.ofString())
                .body();
    }

    @Test
    void whatIsWrongWithAGrpcRequestIsSaidByItsCode() throws Exception {
        try (Sidecar sidecar = start(Map.of());
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

    @ParameterizedTest
    @ValueSource(strings = {"http/protobuf", "http/json"})
    void profilesArePassedOnOneByOneByteForByte(String protocol) throws Exception {
        // a dictionary that the samples' numbers point into: joined to another's they would point at the wrong rows
        byte[] first = new ProtobufWriter()
                .bytes(1, new ProtobufWriter().string(3, "schema").toByteArray())
                .bytes(2, new ProtobufWriter().string(5, "one").toByteArray())
                .toByteArray();
        byte[] second = new ProtobufWriter()
                .bytes(2, new ProtobufWriter().string(5, "two").toByteArray())
                .toByteArray();
        Queue<byte[]> arrived = new ConcurrentLinkedQueue<>();
        HttpServer backend = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        backend.createContext("/v1development/profiles", exchange -> {
            try (exchange) {
                arrived.add(exchange.getRequestBody().readAllBytes());
                exchange.getResponseHeaders()
                        .set("Content-Type", exchange.getRequestHeaders().getFirst("Content-Type"));
                exchange.sendResponseHeaders(200, -1);
            }
        });
        backend.start();
        try (Sidecar sidecar = start(Map.of(
                        "OTEL_EXPORTER_OTLP_ENDPOINT",
                        "http://127.0.0.1:" + backend.getAddress().getPort(),
                        "OTEL_EXPORTER_OTLP_PROTOCOL",
                        protocol));
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            assertThat(post(sidecar, "/v1development/profiles", first).statusCode())
                    .isEqualTo(200);
            sender.send(GrpcSender.PROFILES, second, "identity");
            Eventually.that(() -> arrived.size() == 2, arrived::size);
            assertThat(arrived).containsExactly(first, second);
        } finally {
            backend.stop(0);
        }
    }

    @Test
    void whatJsonHasNoNameForIsCounted() throws Exception {
        byte[] spans = new ProtobufWriter()
                .bytes(1, new ProtobufWriter().string(99, "from the future").toByteArray())
                .toByteArray();
        try (BackendDouble backend = new BackendDouble();
                Sidecar sidecar = start(to(backend, "http/json"))) {
            assertThat(post(sidecar, "/v1/traces", spans).statusCode()).isEqualTo(200);
            Eventually.that(() -> backend.traces().size() == 1, backend::traces);
            assertThat(page(sidecar, "/metrics"))
                    .contains("spandrel_sidecar_json_unknown_fields_total{destination=\"default\",signal=\"traces\"} 1")
                    .contains("otelcol_exporter_queue_capacity{data_type=\"traces\",exporter=\"otlp/default\"} ")
                    .contains("otelcol_exporter_queue_size{data_type=\"traces\",exporter=\"otlp/default\"} ");
        }
    }

    @Test
    void gzipAndZstdAreTakenOverGrpcWithinTheLimitOfWhatTheyHold() throws Exception {
        try (Sidecar sidecar = start(Map.of());
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
                        Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:" + port),
                        "--journal-max-bytes=100000",
                        "--drain-timeout=1");
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            byte[] large = Telemetry.spans(0, 1000).toByteArray();
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

    @ParameterizedTest
    @ValueSource(strings = {"localhost:%d", "grpc://127.0.0.1:%d", "http://0.0.0.0:%d"})
    void itDoesNotExportToItself(String form) throws Exception {
        int port = freePort();
        assertThatThrownBy(
                        () -> start(Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", form.formatted(port)), "--grpc-port=" + port))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("is this sidecar itself");
    }

    @Test
    void aTakenPortIsSaidInOneLine() throws Exception {
        try (Sidecar first = start(Map.of())) {
            assertThatThrownBy(
                            () -> start(Map.of(), "--grpc-port=" + first.doors().grpcPort()))
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining(
                            "cannot listen on 127.0.0.1:" + first.doors().grpcPort())
                    .hasMessageContaining("in use");
        }
    }

    @Test
    void withoutABackendTheOldestGoesFirst() throws Exception {
        try (Sidecar sidecar = start(Map.of(), "--journal-max-bytes=200000");
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            assertThat(sidecar.readyLine()).endsWith("to no backend, kept here");
            for (int i = 0; i < 100; i++) {
                sender.send(Telemetry.spans(i * 100L, 100));
            }
            assertThat(sidecar.journal(Signal.TRACES).bytes()).isLessThanOrEqualTo(200_000);
            assertThat(sidecar.journal(Signal.TRACES).items()
                            + sidecar.journal(Signal.TRACES).evictedItems())
                    .isEqualTo(10_000);
        }
    }

    @Test
    void aDestinationThatIsDownHoldsUpNoOtherAndGetsItsShareAfterARestart() throws Exception {
        int dead = freePort();
        try (BackendDouble first = new BackendDouble();
                BackendDouble second = new BackendDouble()) {
            String down = "--destination=archive.endpoint=http://127.0.0.1:";
            try (Sidecar sidecar = start(to(first, "grpc"), down + dead, "--drain-timeout=1");
                    GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
                for (int i = 0; i < 5; i++) {
                    sender.send(Telemetry.spans(i * 10, 10));
                }
                Eventually.that(
                        () -> sidecar.ledger("default", Signal.TRACES).delivered() == 50,
                        () -> sidecar.ledger("default", Signal.TRACES));
                assertThat(sidecar.ledger("archive", Signal.TRACES).queued()).isEqualTo(50);
                assertThat(sidecar.journal(Signal.TRACES).items()).isEqualTo(50);
            }
            try (Sidecar sidecar = start(
                    to(first, "grpc"), down + second.httpPort(), "--destination=archive.protocol=http/protobuf")) {
                Eventually.that(
                        () -> sidecar.ledger("archive", Signal.TRACES).delivered() == 50,
                        () -> sidecar.ledger("archive", Signal.TRACES));
                awaitBalanced(sidecar, Signal.TRACES, 0);
            }
            assertThat(second.spans()).hasSize(50);
            assertThat(first.spans().values()).as("nothing is sent twice").containsOnly(1);
        }
    }

    @Test
    void whatIsMaskedNeverReachesTheJournalNorTheBackend() throws Exception {
        try (BackendDouble backend = new BackendDouble()) {
            int dead = freePort();
            String[] flags = {"--redact-pattern=completions", "--enrich-resources", "--drain-timeout=1"};
            Map<String, String> variables = new HashMap<>(Map.of("K8S_POD_NAME", "llm-0"));
            variables.put("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:" + dead);
            byte[] body = Telemetry.spans(0, 3).toByteArray();
            try (Sidecar sidecar = start(variables, flags);
                    GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
                sender.send(GrpcSender.TRACES, body, false);
            }
            try (var files = Files.walk(folder)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    assertThat(new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1))
                            .doesNotContain("completions");
                }
            }
            variables.put("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:" + backend.grpcPort());
            try (Sidecar sidecar = start(variables, flags)) {
                awaitBalanced(sidecar, Signal.TRACES, 3);
            }
            assertThat(backend.traces().toString())
                    .contains("[redacted]", "llm-0")
                    .doesNotContain("completions");
        }
    }
}
