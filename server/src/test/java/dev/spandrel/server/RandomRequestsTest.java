package dev.spandrel.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.Engine;
import dev.spandrel.server.openai.RandomBodies;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/**
 * Random bodies against the real engine with the bundled model: what gets past the checks is generated from, and neither is
 * an answer a fault of the server nor is anything left in the engine. {@code -Dspandrel.test.requests} makes it longer.
 */
@Timeout(3600)
class RandomRequestsTest {
    private static final int REQUESTS = Integer.getInteger("spandrel.test.requests", 1_000);

    @AutoClose
    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void noAnswerIsAServerError() throws Exception {
        long seed = Long.getLong("spandrel.test.seed", System.nanoTime());
        Random random = new Random(seed);
        ServeCommand command = new ServeCommand(_ -> {});
        new CommandLine(command)
                .parseArgs(
                        "../models/spandrel-tiny",
                        "--host=127.0.0.1",
                        "--port=0",
                        "--threads=2",
                        "--max-model-len=48",
                        "--kv-cache-memory-bytes=16M",
                        "--tool-call-parser=hermes");
        try (SpandrelServer server = SpandrelServer.start(command.config(), Engine::open)) {
            for (int i = 0; i < REQUESTS; i++) {
                String path = RandomBodies.PATHS.get(random.nextInt(RandomBodies.PATHS.size()));
                String body = RandomBodies.body(random, path);
                HttpResponse<String> response = http.send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + path))
                                .timeout(Duration.ofSeconds(60))
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
                String said = "-Dspandrel.test.seed=" + seed + ", body " + i + " to " + path + ": " + body + "\n"
                        + response.body();
                assertThat(response.statusCode()).as(said).isIn(200, 400, 404);
                assertThat(response.body()).as(said).doesNotContain("InternalServerError");
            }
            Waiting.until(() -> idle(server), "nothing is left in the engine");
        }
    }

    private boolean idle(SpandrelServer server) {
        try {
            String metrics = http.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.port() + "/metrics"))
                                    .build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
            return metrics.lines()
                            .filter(line -> line.startsWith("vllm:num_requests_running{")
                                    || line.startsWith("vllm:num_requests_waiting{")
                                    || line.startsWith("vllm:kv_cache_usage_perc{"))
                            .filter(line -> line.endsWith(" 0.0"))
                            .count()
                    == 3;
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }
}
