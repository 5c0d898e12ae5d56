package dev.spandrel.server.process;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A container that runs, as the kubelet sees it: started by its command, asked by its probes, stopped by signals. */
final class PodProcesses implements AutoCloseable {
    private final PodContainer container;
    private final boolean readOnlyRoot;
    private final Path data;
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private Process process;
    private Output out;
    private Output err;

    /** @param data where the contents of its volumes are kept, from one start to the next */
    PodProcesses(PodContainer container, boolean readOnlyRoot, Path data) {
        this.container = container;
        this.readOnlyRoot = readOnlyRoot && container.readOnlyRoot();
        this.data = data;
    }

    /** Starts it and waits for its startup probe, at most as long as the manifest does. */
    void start() throws IOException {
        List<String> command = container.command();
        ProcessBuilder builder = new ProcessBuilder(
                readOnlyRoot ? PodSandbox.withReadOnlyRoot(command, container.mounts(), data) : command);
        builder.environment().clear();
        builder.environment().put("PATH", System.getenv("PATH"));
        builder.environment().putAll(container.environment());
        process = builder.start();
        out = new Output(container.name() + " stdout", process.getInputStream());
        err = new Output(container.name() + " stderr", process.getErrorStream());
        long deadline = System.nanoTime()
                + Duration.ofSeconds(container.startupSeconds()).toNanos();
        Await.until(
                container.name() + " to be up",
                () -> {
                    if (!process.isAlive() || System.nanoTime() > deadline) {
                        throw new AssertionError("its startup probe never passed\n" + this);
                    }
                    return status(container.startupPath()) == 200;
                },
                this::toString);
    }

    /** What the probe's path answers; 0 when nobody does. */
    int status(String path) {
        try {
            HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + container.probePort() + path))
                    .timeout(Duration.ofSeconds(5))
                    .build();
            return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
        } catch (IOException e) {
            return 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 0;
        }
    }

    boolean ready() {
        return status(container.readinessPath()) == 200;
    }

    void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid()))
                .inheritIO()
                .start()
                .waitFor();
    }

    /** Waits for its end; false when it still runs after so long. */
    boolean ended(Duration limit) throws InterruptedException {
        return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
    }

    int exitCode() {
        return process.exitValue();
    }

    @Override
    public String toString() {
        String state = process.isAlive() ? "running" : "exit code " + process.exitValue();
        return "--- %s (%s)\n%s\n%s---".formatted(container.name(), state, out.text(), err.text());
    }

    @Override
    public void close() {
        http.shutdownNow();
        if (process != null) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }
}
