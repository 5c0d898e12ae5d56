package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The pod of {@code k8s/base} lived through without a cluster; see {@link PodRehearsal}. Needs Linux and the right to make a
 * network namespace, which most distributions give everybody; read-only roots where mount namespaces are allowed too.
 */
class PodRehearsalIT {
    @ParameterizedTest
    @ValueSource(strings = {"steady", "sidecar-killed"})
    void noSpanIsLostAndNoRequestCutOff(String course) throws IOException, InterruptedException {
        String refusal = PodSandbox.refusal(PodSandbox.inOwnNetwork(List.of("true")));
        assumeTrue(refusal.isEmpty(), () -> "no network namespace to be had: " + refusal);
        Path volumes = Files.createDirectories(
                Path.of("target", "pods", UUID.randomUUID().toString()).toAbsolutePath());
        List<String> probe =
                PodSandbox.withReadOnlyRoot(List.of("/bin/true"), List.of("/tmp"), volumes.resolve("probe"));
        String writable = PodSandbox.refusal(PodSandbox.inOwnNetwork(probe));
        if (!writable.isEmpty()) {
            System.out.println("PodRehearsalIT: roots stay writable, " + writable);
        }
        List<String> command = PodSandbox.inOwnNetwork(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-cp",
                System.getProperty("java.class.path"),
                PodRehearsal.class.getName(),
                volumes.toString(),
                writable.isEmpty() ? "read-only" : "writable",
                course));
        ProcessBuilder builder = new ProcessBuilder(command);
        try (LaunchedProcess rehearsal = new LaunchedProcess("rehearsal " + course, builder.start())) {
            assertThat(rehearsal.awaitExit()).as("%s", rehearsal).isZero();
            System.out.print(rehearsal.out());
        }
    }
}
