package dev.spandrel.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.journal.DiskQuarantine;
import dev.spandrel.sidecar.journal.DiskStorage;
import dev.spandrel.sidecar.journal.Quarantine;
import dev.spandrel.sidecar.otlp.Signal;
import dev.spandrel.sidecar.testing.BackendDouble;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Telemetry;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The process as a user starts it: its one line, its exit codes, its last words. */
@Timeout(120)
class MainIT {
    private static final Pattern READY = Pattern.compile(
            "spandrel-sidecar ready: grpc 127\\.0\\.0\\.1:(\\d+), http 127\\.0\\.0\\.1:\\d+, health http://127\\.0\\.0\\.1:\\d+, to (.*)");

    @TempDir
    private Path folder;

    private static Process start(String... flags) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--sun-misc-unsafe-memory-access=allow",
                "-jar",
                Path.of("target", "spandrel-sidecar.jar").toString()));
        command.addAll(List.of(flags));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("OTEL_"));
        return builder.start();
    }

    private static void assertExit(Process process, int code, String message) throws Exception {
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(err).isEqualTo(code);
        assertThat(err).contains(message).doesNotContain("\tat ");
        assertThat(err.lines()).hasSize(1);
    }

    @Test
    void oneLineWhenReadyATreeForATraceAndZeroAfterSigterm() throws Exception {
        Process process = start("--grpc-port=0", "--http-port=0", "--health-port=0", "--print-traces");
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            Matcher ready = READY.matcher(out.readLine());
            assertThat(ready.matches()).isTrue();
            assertThat(ready.group(2)).isEqualTo("no backend, kept here");
            try (GrpcSender sender = new GrpcSender(Integer.parseInt(ready.group(1)))) {
                sender.send(Telemetry.spans(0, 1));
            }
            process.toHandle().destroy();
            assertThat(out.readLine()).startsWith("trace 0000000000005eed");
            assertThat(out.readLine()).startsWith("└─ POST /v1/completions  SERVER  test-service");
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void aTakenPortExitsWithOne() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertExit(
                    start("--grpc-port=0", "--http-port=" + taken.getLocalPort(), "--health-port=0"),
                    1,
                    "cannot listen on 127.0.0.1:" + taken.getLocalPort());
        }
    }

    @Test
    void settingsThatCannotBeMeantExitWithTwo() throws Exception {
        assertExit(start("--otlp-protocol=smoke"), 2, "\"smoke\", expected grpc");
        assertExit(start("--otlp-endpoint=localhost:4317"), 2, "is this sidecar itself");
        assertExit(start("--bogus"), 2, "Unknown option: '--bogus'");
        assertExit(start("--grpc-port=99999"), 2, "expected 0 to 65535");
    }

    @Test
    void whatWasRefusedIsListedAndReplayed() throws Exception {
        try (DiskQuarantine quarantine =
                DiskQuarantine.open(DiskStorage.open(folder.resolve("quarantine")), 1 << 20, new Random(1))) {
            quarantine.put(new Quarantine.Piece(
                    "default",
                    Signal.TRACES,
                    0,
                    2,
                    "bad\nidea",
                    false,
                    Telemetry.spans(0, 2).toByteArray()));
            quarantine.put(new Quarantine.Piece(
                    "default",
                    Signal.TRACES,
                    0,
                    1,
                    "odd",
                    true,
                    Telemetry.spans(9, 1).toByteArray()));
        }
        assertThat(output("quarantine", "list", "--journal-dir=" + folder))
                .contains("1  1970-01-01T00:00:00Z  default  traces  2 spans  ", "bad idea", "(copy) odd", "2 pieces");
        assertThat(output("quarantine", "replay", "--journal-dir=" + folder)).contains("put back 1 pieces");
        assertThat(output("quarantine", "list", "--journal-dir=" + folder)).contains("(copy) odd", "1 piece\n");
        try (BackendDouble backend = new BackendDouble()) {
            Process process = start(
                    "--grpc-port=0",
                    "--http-port=0",
                    "--health-port=0",
                    "--journal-dir=" + folder,
                    "--otlp-endpoint=127.0.0.1:" + backend.grpcPort());
            Eventually.that(() -> backend.spans().size() == 2, backend::spans);
            assertThat(backend.spans().keySet()).containsExactlyInAnyOrder(0L, 1L);
            process.toHandle().destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static String output(String... flags) throws Exception {
        Process process = start(flags);
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        return text;
    }
}
