package dev.spandrel.sidecar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.sidecar.otlp.RpcStatus;
import dev.spandrel.sidecar.testing.BackendDouble;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.Fault;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Telemetry;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The process in a changing world: told to stop, its disk full, its backend moved to another address. */
@Timeout(180)
class WorldIT {
    private static final Pattern READY =
            Pattern.compile(".*grpc 127\\.0\\.0\\.1:(\\d+),.*health http://127\\.0\\.0\\.1:(\\d+),.*");

    @TempDir
    private Path folder;

    private Process process;
    private int grpcPort;
    private int healthPort;

    private void start(List<String> before, String... flags) throws IOException {
        List<String> command = new ArrayList<>(before);
        command.addAll(List.of(
                "-jar",
                Path.of("target", "spandrel-sidecar.jar").toString(),
                "--grpc-port=0",
                "--http-port=0",
                "--health-port=0",
                "--journal-dir=" + folder.resolve("journal")));
        command.addAll(List.of(flags));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("OTEL_"));
        process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        Matcher ready = READY.matcher(String.valueOf(out.readLine()));
        assertThat(ready.matches()).as("the ready line").isTrue();
        grpcPort = Integer.parseInt(ready.group(1));
        healthPort = Integer.parseInt(ready.group(2));
    }

    private static List<String> java(String... options) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(List.of(options));
        return command;
    }

    @AfterEach
    void kill() {
        if (process != null) {
            process.destroyForcibly();
        }
    }

    private void send(int from, int count) {
        try (GrpcSender sender = new GrpcSender(grpcPort)) {
            sender.send(Telemetry.spans(from, count));
        }
    }

    private void stop() throws InterruptedException {
        process.toHandle().destroy();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
    }

    @Test
    void whatWaitsForABatchGoesOutBeforeTheEnd() throws Exception {
        try (BackendDouble backend = new BackendDouble()) {
            start(java(), "--otlp-endpoint=127.0.0.1:" + backend.grpcPort(), "--batch-max-age=3600000");
            send(0, 500);
            assertThat(backend.spans()).isEmpty();
            stop();
            assertThat(backend.spans()).hasSize(500).containsValue(1);
        }
    }

    @Test
    void whatTheDeadlineCutsOffGoesOutAfterTheNextStart() throws Exception {
        try (BackendDouble backend = new BackendDouble()) {
            backend.script(_ -> Optional.of(new Fault.Refuse(Status.UNAVAILABLE, 503)));
            start(java(), "--otlp-endpoint=127.0.0.1:" + backend.grpcPort(), "--drain-timeout=300");
            send(0, 500);
            stop();
            assertThat(backend.spans()).isEmpty();
            backend.script(_ -> Optional.empty());
            start(java(), "--otlp-endpoint=127.0.0.1:" + backend.grpcPort());
            Eventually.that(() -> backend.spans().size() == 500, backend::spans);
            stop();
            assertThat(backend.spans().values()).containsOnly(1);
        }
    }

    /** A limit on the size of files stands for the full disk: the system refuses to write more in the same way. */
    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "ulimit -f counts other units elsewhere")
    void aDiskThatTakesNoMoreAsksForPatience() throws Exception {
        try (BackendDouble backend = new BackendDouble()) {
            backend.script(_ -> Optional.of(new Fault.Refuse(Status.UNAVAILABLE, 503)));
            List<String> limited = new ArrayList<>(List.of("bash", "-c", "ulimit -f 256; exec \"$@\"", "limited"));
            limited.addAll(java());
            start(limited, "--otlp-endpoint=127.0.0.1:" + backend.grpcPort(), "--drain-timeout=1", "--batch-max-age=1");
            // one record larger than a file may be: no segment can ever take it
            assertThatThrownBy(() -> send(0, 5000)).isInstanceOfSatisfying(StatusRuntimeException.class, e -> {
                assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
                assertThat(RpcStatus.fromProtobuf(e.getTrailers().get(GrpcSender.DETAILS))
                                .retryDelay())
                        .isPresent();
            });
            assertThat(ready()).as("cannot keep telemetry").isEqualTo(503);
            send(5000, 10);
            assertThat(ready()).as("keeps telemetry again").isEqualTo(200);
            backend.script(_ -> Optional.empty());
            Eventually.that(() -> backend.spans().size() >= 10, backend::spans);
            assertThat(backend.spans()).containsKeys(5000L, 5009L);
        }
    }

    private int ready() throws Exception {
        try (HttpClient client = HttpClient.newHttpClient()) {
            URI uri = URI.create("http://127.0.0.1:" + healthPort + "/ready");
            return client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.discarding())
                    .statusCode();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"grpc", "http/protobuf"})
    @EnabledOnOs(value = OS.LINUX, disabledReason = "needs a second loopback address")
    void aBackendThatMovedIsFoundByItsName(String protocol) throws Exception {
        Path hosts = folder.resolve("hosts");
        Files.writeString(hosts, "127.0.0.1 backend.test\n");
        int port;
        try (BackendDouble before = new BackendDouble()) {
            port = protocol.equals("grpc") ? before.grpcPort() : before.httpPort();
            start(
                    java("-Djdk.net.hosts.file=" + hosts, "-Dnetworkaddress.cache.ttl=0", "-Dsun.net.inetaddr.ttl=0"),
                    "--otlp-endpoint=http://backend.test:" + port,
                    "--otlp-protocol=" + protocol);
            send(0, 10);
            Eventually.that(() -> before.spans().size() == 10, before::spans);
        }
        Files.writeString(hosts, "127.0.0.2 backend.test\n");
        InetAddress second = InetAddress.getByName("127.0.0.2");
        try (BackendDouble after =
                protocol.equals("grpc") ? new BackendDouble(second, port, 0) : new BackendDouble(second, 0, port)) {
            send(10, 10);
            // what the first one took without answering in time may come again
            Eventually.that(() -> after.spans().containsKey(19L), after::spans);
            assertThat(after.spans()).containsKey(10L);
        }
    }
}
