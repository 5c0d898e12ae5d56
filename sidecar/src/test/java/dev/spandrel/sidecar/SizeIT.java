package dev.spandrel.sidecar;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.sidecar.testing.BackendDouble;
import dev.spandrel.sidecar.testing.Eventually;
import dev.spandrel.sidecar.testing.GrpcSender;
import dev.spandrel.sidecar.testing.Telemetry;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The largest requests in the heap that is shipped. */
@Timeout(300)
class SizeIT {
    /** A little under the limit of 64 MiB. */
    private static final int SPANS = 350_000;

    @TempDir
    private Path folder;

    private static Status.Code send(int port, byte[] body, boolean gzip) {
        try (GrpcSender sender = new GrpcSender(port)) {
            sender.send(GrpcSender.TRACES, body, gzip);
            return Status.Code.OK;
        } catch (StatusRuntimeException e) {
            return e.getStatus().getCode();
        }
    }

    @Test
    void oneLargestRequestPassesAndManyAtOnceGetAnswers() throws Exception {
        byte[] body = Telemetry.spans(0, SPANS).toByteArray();
        assertThat(body.length).isBetween(56 << 20, 64 << 20);
        try (BackendDouble backend = new BackendDouble()) {
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "@jvm.options",
                            "-XX:+ExitOnOutOfMemoryError",
                            "-jar",
                            Path.of("target", "spandrel-sidecar.jar").toString(),
                            "--grpc-port=0",
                            "--http-port=0",
                            "--health-port=0",
                            "--journal-dir=" + folder,
                            "--otlp-endpoint=127.0.0.1:" + backend.grpcPort())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try {
                int port = Integer.parseInt(process.inputReader(StandardCharsets.UTF_8)
                        .readLine()
                        .replaceFirst(".*grpc 127\\.0\\.0\\.1:(\\d+),.*", "$1"));
                assertThat(send(port, body, false)).isEqualTo(Status.Code.OK);
                Eventually.that(
                        () -> backend.spans().size() == SPANS,
                        () -> backend.spans().size());
                List<Status.Code> answers = sendAtOnce(port, body, 32);
                System.out.println("32 requests of " + body.length + " bytes at once: " + answers);
                assertThat(answers).hasSize(32).isSubsetOf(Set.of(Status.Code.OK, Status.Code.UNAVAILABLE));
                assertThat(process.isAlive()).as("no OutOfMemoryError").isTrue();
                assertThat(send(port, Telemetry.spans(0, 1).toByteArray(), false))
                        .isEqualTo(Status.Code.OK);
            } finally {
                process.destroyForcibly().waitFor();
            }
        }
    }

    private static List<Status.Code> sendAtOnce(int port, byte[] body, int count) throws Exception {
        List<Status.Code> answers = new ArrayList<>();
        try (ExecutorService senders = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Status.Code>> calls = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                boolean gzip = i % 4 == 0;
                calls.add(() -> send(port, body, gzip));
            }
            for (Future<Status.Code> answer : senders.invokeAll(calls)) {
                answers.add(answer.get());
            }
        }
        return answers;
    }
}
