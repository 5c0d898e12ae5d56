package dev.spandrel.sidecar;

import static dev.spandrel.sidecar.TestSidecar.awaitBalanced;
import static dev.spandrel.sidecar.TestSidecar.page;
import static dev.spandrel.sidecar.TestSidecar.post;
import static dev.spandrel.sidecar.TestSidecar.start;
import static dev.spandrel.sidecar.TestSidecar.to;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.spandrel.sidecar.otlp.ProtobufWriter;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.BackendDouble;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.Fault;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Telemetry;
import io.grpc.Status;
import io.opentelemetry.proto.trace.v1.Span;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What reaches a backend double of any temper, how often, and what is counted of it. */
@Timeout(120)
class SidecarDeliveryTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http/protobuf"})
    void headersAndCompressionReachTheBackend(String protocol) throws Exception {
        try (BackendDouble backend = new BackendDouble()) {
            Map<String, String> variables = to(backend, protocol);
            variables.put("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20a+b,x=1");
            variables.put("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
            try (Sidecar sidecar = start(folder, variables);
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
                Sidecar sidecar = start(folder, to(backend, protocol));
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
            try (Sidecar sidecar = start(folder, variables, "--batch-max-age=1");
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
                Sidecar sidecar = start(folder, to(backend, "grpc"), "--own-spans");
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
                Sidecar sidecar = start(folder, to(backend, "grpc"));
                GrpcSender sender = new GrpcSender(sidecar.doors().grpcPort())) {
            backend.script(_ -> Optional.of(new Fault.Partial(2, "two were odd")));
            sender.send(Telemetry.spans(0, 10));
            awaitBalanced(sidecar, Signal.TRACES, 10);
            assertThat(sidecar.ledger("default", Signal.TRACES).rejected()).isEqualTo(2);
            assertThat(sidecar.ledger("default", Signal.TRACES).delivered()).isEqualTo(8);
            assertThat(backend.traces()).hasSize(1);
        }
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
        try (Sidecar sidecar = start(
                        folder,
                        Map.of(
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
                Sidecar sidecar = start(folder, to(backend, "http/json"))) {
            assertThat(post(sidecar, "/v1/traces", spans).statusCode()).isEqualTo(200);
            Eventually.that(() -> backend.traces().size() == 1, backend::traces);
            assertThat(page(sidecar, "/metrics"))
                    .contains("spandrel_sidecar_json_unknown_fields_total{destination=\"default\",signal=\"traces\"} 1")
                    .contains("otelcol_exporter_queue_capacity{data_type=\"traces\",exporter=\"otlp/default\"} ")
                    .contains("otelcol_exporter_queue_size{data_type=\"traces\",exporter=\"otlp/default\"} ");
        }
    }
}
