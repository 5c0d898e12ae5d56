package dev.spandrel.server.process;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** A real Prometheus, where one is installed, that scrapes one server every 200 ms. */
final class PrometheusServer implements AutoCloseable {
    private final LaunchedProcess process;
    private final int port;
    private final HttpClient http = HttpClient.newHttpClient();

    private PrometheusServer(LaunchedProcess process, int port) {
        this.process = process;
        this.port = port;
    }

    /** The executable; empty where it is not installed. */
    static Optional<Path> executable() {
        return Stream.of(System.getenv("PATH").split(":"))
                .map(folder -> Path.of(folder, "prometheus"))
                .filter(Files::isExecutable)
                .findFirst();
    }

    static PrometheusServer start(Path executable, Path folder, int target) throws IOException {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Path config = folder.resolve("prometheus.yml");
        Files.writeString(config, """
                global:
                  scrape_interval: 200ms
                scrape_configs:
                  - job_name: spandrel
                    static_configs:
                      - targets: ["127.0.0.1:%d"]
                """.formatted(target));
        ProcessBuilder builder = new ProcessBuilder(
                executable.toString(),
                "--config.file=" + config,
                "--storage.tsdb.path=" + folder.resolve("data"),
                "--web.listen-address=127.0.0.1:" + port,
                "--enable-feature=exemplar-storage");
        PrometheusServer server = new PrometheusServer(new LaunchedProcess("prometheus", builder.start()), port);
        Await.until("Prometheus to be ready", server::ready, server.process::toString);
        return server;
    }

    private boolean ready() {
        try {
            return get("/-/ready").statusCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    /** What a path of its API answers, below {@code data}. */
    JsonNode ask(String path, String query) throws IOException {
        HttpResponse<String> response = get(path + URLEncoder.encode(query, StandardCharsets.UTF_8));
        JsonNode answer = Api.json(response.body());
        if (!answer.path("status").asString().equals("success")) {
            throw new AssertionError(query + ": " + response.body());
        }
        return answer.path("data");
    }

    /** The value of an instant query with one result; empty where there is none. */
    Optional<Double> value(String query) throws IOException {
        JsonNode result = ask("/api/v1/query?query=", query).path("result");
        return result.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        Double.parseDouble(result.path(0).path("value").path(1).asString()));
    }

    private HttpResponse<String> get(String path) throws IOException {
        try {
            return http.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                            .timeout(Await.LIMIT)
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public String toString() {
        return process.toString();
    }

    @Override
    public void close() {
        http.shutdownNow();
        process.close();
    }
}
