package dev.spandrel.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.testing.BackendDouble;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Telemetry;
import io.grpc.StatusRuntimeException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code kill -9} at random moments under load: every span that was acknowledged reaches the backend.
 * {@code -Dcrash.rounds=200} is the long form, {@code -Dcrash.seed} replays the moments.
 */
@Timeout(1800)
class CrashIT {
    private static final int ROUNDS = Integer.getInteger("crash.rounds", 5);
    private static final long SEED = Long.getLong("crash.seed", System.nanoTime());
    private static final int SPANS_PER_REQUEST = 100;
    private static final long NANOS_PER_REQUEST = TimeUnit.MILLISECONDS.toNanos(10);

    @TempDir
    private Path folder;

    private final Set<Long> acknowledged = ConcurrentHashMap.newKeySet();
    private final AtomicLong next = new AtomicLong();

    private Process start(BackendDouble backend) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--sun-misc-unsafe-memory-access=allow",
                "-XX:TieredStopAtLevel=1",
                "-jar",
                Path.of("target", "spandrel-sidecar.jar").toString(),
                "--grpc-port=0",
                "--http-port=0",
                "--health-port=0",
                "--journal-dir=" + folder,
                "--otlp-endpoint=127.0.0.1:" + backend.grpcPort());
        builder.environment().keySet().removeIf(name -> name.startsWith("OTEL_"));
        return builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static int port(Process process) throws IOException {
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        String ready = out.readLine();
        return Integer.parseInt(ready.replaceFirst(".*grpc 127\\.0\\.0\\.1:(\\d+),.*", "$1"));
    }

    /** 100 requests of 100 spans each second, until the sidecar is gone. */
    private void send(GrpcSender sender, CountDownLatch first) {
        long due = System.nanoTime();
        try {
            while (true) {
                long number = next.getAndAdd(SPANS_PER_REQUEST);
                sender.send(Telemetry.spans(number, SPANS_PER_REQUEST));
                acknowledged.add(number);
                first.countDown();
                due += NANOS_PER_REQUEST;
                LockSupport.parkNanos(due - System.nanoTime());
            }
        } catch (StatusRuntimeException e) {
            // killed: what was not acknowledged is not counted
        }
    }

    @Test
    void nothingAcknowledgedIsLostWhenTheProcessIsKilled() throws Exception {
        System.out.println("crash.seed=" + SEED);
        Random random = new Random(SEED);
        try (BackendDouble backend = new BackendDouble()) {
            for (int round = 0; round < ROUNDS; round++) {
                Process process = start(backend);
                try (GrpcSender sender = new GrpcSender(port(process))) {
                    CountDownLatch first = new CountDownLatch(1);
                    Thread sending = Thread.ofVirtual().start(() -> send(sender, first));
                    if (round % 2 == 0) {
                        // on a busy machine a round may end before anything was acknowledged: not every one
                        assertThat(first.await(60, TimeUnit.SECONDS)).isTrue();
                    }
                    boolean alive = process.waitFor(random.nextLong(20, 700), TimeUnit.MILLISECONDS);
                    assertThat(alive).as("the sidecar lives until it is killed").isFalse();
                    process.destroyForcibly().waitFor();
                    sending.join();
                }
            }
            Process last = start(backend);
            Eventually.that(
                    () -> acknowledged.stream()
                            .allMatch(first -> backend.spans().containsKey(first + SPANS_PER_REQUEST - 1)),
                    () -> acknowledged.stream()
                            .filter(first -> !backend.spans().containsKey(first))
                            .toList());
            last.destroyForcibly().waitFor();
            long duplicates = backend.spans().values().stream()
                    .mapToLong(count -> count - 1)
                    .sum();
            System.out.printf(
                    "kills %d, spans acknowledged %d, delivered %d, duplicates %d, lost 0%n",
                    ROUNDS,
                    acknowledged.size() * SPANS_PER_REQUEST,
                    backend.spans().size(),
                    duplicates);
            assertThat(acknowledged).hasSizeGreaterThanOrEqualTo(ROUNDS / 2);
        }
    }
}
