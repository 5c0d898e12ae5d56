package dev.spandrel.sidecar;

import static dev.spandrel.sidecar.TestSidecar.awaitBalanced;
import static dev.spandrel.sidecar.TestSidecar.freePort;
import static dev.spandrel.sidecar.TestSidecar.start;
import static dev.spandrel.sidecar.TestSidecar.to;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.BackendDouble;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Telemetry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole sidecar in this process, between a real sender and a backend double: how it starts, and what it keeps of what it takes. */
@Timeout(120)
class SidecarTest {
    @TempDir
    private Path folder;

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
        try (Sidecar sidecar =
                start(folder, Map.of(), "--trace-page", "--trace-page-port=0", "--trace-page-token=let-me-in")) {
            assertThat(sidecar.readyLine())
                    .contains(", page http://127.0.0.1:" + sidecar.doors().pagePort()
                            + "/?token=let-me-in, to no backend");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost:%d", "grpc://127.0.0.1:%d", "http://0.0.0.0:%d"})
    void itDoesNotExportToItself(String form) throws Exception {
        int port = freePort();
        assertThatThrownBy(() -> start(
                        folder, Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", form.formatted(port)), "--grpc-port=" + port))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("is this sidecar itself");
    }

    @Test
    void aTakenPortIsSaidInOneLine() throws Exception {
        try (Sidecar first = start(folder, Map.of())) {
            assertThatThrownBy(() -> start(
                            folder, Map.of(), "--grpc-port=" + first.doors().grpcPort()))
                    .isInstanceOf(StartException.class)
                    .hasMessageContaining(
                            "cannot listen on 127.0.0.1:" + first.doors().grpcPort())
                    .hasMessageContaining("in use");
        }
    }

    @Test
    void withoutABackendTheOldestGoesFirst() throws Exception {
        try (Sidecar sidecar = start(folder, Map.of(), "--journal-max-bytes=200000");
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
            try (Sidecar sidecar = start(folder, to(first, "grpc"), down + dead, "--drain-timeout=1");
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
                    folder,
                    to(first, "grpc"),
                    down + second.httpPort(),
                    "--destination=archive.protocol=http/protobuf")) {
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
            try (Sidecar sidecar = start(folder, variables, flags);
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
            try (Sidecar sidecar = start(folder, variables, flags)) {
                awaitBalanced(sidecar, Signal.TRACES, 3);
            }
            assertThat(backend.traces().toString())
                    .contains("[redacted]", "llm-0")
                    .doesNotContain("completions");
        }
    }
}
