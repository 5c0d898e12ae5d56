package dev.spandrel.server.process;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * One life of the pod of {@code k8s/base}, without a cluster: containers in the manifest's order with its commands, environment
 * and probes, load, and the end as Kubernetes does it. A program of its own, since it runs inside the pod's network; what it
 * finds wrong is its exit code and the last it says. Arguments: folder of the volumes, {@code read-only} or {@code writable},
 * {@code steady} or {@code sidecar-killed}.
 */
final class PodRehearsal {
    private static final Pattern SERIES = Pattern.compile("(?:spandrel_sidecar_|vllm:)\\w+");
    private static final int CLIENTS = 8;
    private static final int REQUESTS_BEFORE_STOP = 48;
    private static final String BODY = """
            {"model": "spandrel-tiny", "prompt": "Once upon a time", "max_tokens": 48, "ignore_eos": true, "stream": %s}""";

    private final PodManifest manifest = PodManifest.read();
    private final AtomicBoolean leaving = new AtomicBoolean();
    private final AtomicInteger completed = new AtomicInteger();
    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public static void main(String[] args) throws Exception {
        try {
            new PodRehearsal().run(Path.of(args[0]), args[1].equals("read-only"), args[2].equals("sidecar-killed"));
        } catch (AssertionError e) {
            System.out.println(e.getMessage());
            System.exit(1);
        }
        System.exit(0);
    }

    private void run(Path volumes, boolean readOnly, boolean killSidecar) throws Exception {
        check(manifest.sidecar().restarts(), "the sidecar is no native sidecar: restartPolicy is not Always");
        try (OtlpBackend backend = new OtlpBackend();
                PodProcesses sidecar = new PodProcesses(
                        delivering(manifest.sidecar(), backend), readOnly, volumes.resolve("sidecar"));
                PodProcesses server = new PodProcesses(manifest.server(), readOnly, volumes.resolve("server"));
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            sidecar.start();
            server.start();
            check(sidecar.ready() && server.ready(), "not ready after the startup probes\n" + sidecar + server);
            List<Future<?>> loads = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                boolean streamed = i % 2 == 0;
                loads.add(clients.submit(() -> load(streamed)));
            }
            if (killSidecar) {
                awaitCompleted(REQUESTS_BEFORE_STOP / 3, server);
                sidecar.signal("KILL");
                check(sidecar.ended(Await.LIMIT), "SIGKILL did not end it\n" + sidecar);
                awaitCompleted(REQUESTS_BEFORE_STOP / 2, server);
                sidecar.start();
            }
            awaitCompleted(REQUESTS_BEFORE_STOP, server);
            alertsNameWhatIsThere(metrics(8000) + metrics(manifest.sidecar().probePort()));
            stop(server, sidecar, loads);
            verify(backend, sidecar);
        }
    }

    /** Kubernetes' order: preStop and SIGTERM for the server, at its end SIGTERM for the sidecar, all within the grace period. */
    private void stop(PodProcesses server, PodProcesses sidecar, List<Future<?>> loads) throws Exception {
        long start = System.nanoTime();
        // While the kubelet sleeps, proxies learn that the pod leaves; until then they send it requests.
        server.ended(Duration.ofSeconds(manifest.server().preStopSeconds()));
        leaving.set(true);
        int before = completed.get();
        server.signal("TERM");
        check(server.ended(grace(start)), "the server outlived the grace period\n" + server);
        check(server.exitCode() == 0, "the server's exit code is not 0\n" + server);
        sidecar.signal("TERM");
        check(sidecar.ended(grace(start)), "the sidecar outlived the grace period\n" + sidecar);
        check(sidecar.exitCode() == 0, "the sidecar's exit code is not 0\n" + sidecar);
        for (Future<?> load : loads) {
            load.get();
        }
        System.out.printf(
                "%d requests answered, %d of them after SIGTERM; stopped in %.1f s of %d%n",
                completed.get(), completed.get() - before, (System.nanoTime() - start) / 1e9, manifest.graceSeconds());
    }

    /** An alert on a series that nobody exposes never fires. */
    private static void alertsNameWhatIsThere(String metrics) throws IOException {
        Set<String> missing = new TreeSet<>();
        for (String manifest : List.of(
                "monitoring/prometheus-rule.yaml",
                "autoscale-keda/scaled-object.yaml",
                "autoscale-hpa/adapter-rules.yaml")) {
            SERIES.matcher(Files.readString(
                            Launcher.ROOT.resolve("k8s/components").resolve(manifest)))
                    .results()
                    .map(MatchResult::group)
                    .filter(name -> !Pattern.compile("^" + name + "[ {]", Pattern.MULTILINE)
                            .matcher(metrics)
                            .find())
                    .forEach(missing::add);
        }
        check(missing.isEmpty(), "named in k8s/components, but in no /metrics: " + missing + "\n" + metrics);
    }

    private String metrics(int port) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics"))
                .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    private Duration grace(long start) {
        return Duration.ofSeconds(manifest.graceSeconds()).minusNanos(System.nanoTime() - start);
    }

    /** Every answered request has its two spans at the backend, with the pod's name. */
    private void verify(OtlpBackend backend, PodProcesses sidecar) {
        Map<String, Integer> distinct = new HashMap<>();
        backend.spans().stream()
                .map(span -> span.name() + " " + span.spanId())
                .distinct()
                .forEach(key -> distinct.merge(key.substring(0, key.lastIndexOf(' ')), 1, Integer::sum));
        System.out.println("spans by name: " + distinct);
        for (String name : List.of("llm_request", "POST /v1/completions")) {
            check(
                    distinct.getOrDefault(name, 0) == completed.get(),
                    completed.get() + " requests, but " + distinct + "\n" + sidecar);
        }
        backend.spans().forEach(span -> {
            Map<String, String> resource = new HashMap<>();
            span.resource()
                    .getAttributesList()
                    .forEach(pair -> resource.put(pair.getKey(), pair.getValue().getStringValue()));
            check(
                    "spandrel-0".equals(resource.get("k8s.pod.name"))
                            && "node-1".equals(resource.get("k8s.node.name"))
                            && "server".equals(resource.get("k8s.container.name")),
                    "not said of its pod: " + resource);
        });
    }

    /** Sends requests one after another until the pod leaves; each must come back whole. */
    private Void load(boolean streamed) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:8000/v1/completions"))
                .header("Content-Type", "application/json")
                .timeout(Await.LIMIT)
                .POST(HttpRequest.BodyPublishers.ofString(BODY.formatted(streamed)))
                .build();
        while (!leaving.get()) {
            HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
            boolean whole = streamed
                    ? answer.body().endsWith("data: [DONE]\n\n")
                    : answer.body().contains("\"completion_tokens\":48");
            check(answer.statusCode() == 200 && whole, "cut off: " + answer.statusCode() + " " + answer.body());
            completed.incrementAndGet();
        }
        return null;
    }

    private void awaitCompleted(int count, PodProcesses server) {
        Await.until(count + " answers", () -> completed.get() >= count, server::toString);
    }

    /** The sidecar as an overlay leaves it: with a backend. */
    private static PodContainer delivering(PodContainer sidecar, OtlpBackend backend) {
        Map<String, String> environment = new HashMap<>(sidecar.environment());
        environment.put("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://127.0.0.1:" + backend.grpcPort());
        return new PodContainer(
                sidecar.name(),
                sidecar.restarts(),
                sidecar.arguments(),
                environment,
                sidecar.probePort(),
                sidecar.startupPath(),
                sidecar.startupSeconds(),
                sidecar.readinessPath(),
                sidecar.preStopSeconds(),
                sidecar.readOnlyRoot(),
                sidecar.mounts());
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
