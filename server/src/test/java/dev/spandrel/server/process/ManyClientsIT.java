package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Many clients at once, those that stay and those that leave, against a real server with the bundled model. */
class ManyClientsIT {
    private static final int STREAMS = 512;
    private static final int DIFFERENT = 64;
    private static final int TOKENS = 24;
    /** bench/server/soak.sh leaves ten thousand times. */
    private static final int ABORTS = 600;

    private static final String[] BEGINNINGS = {"Once upon a time", "The fox", "What is a span?", "A trace"};

    @AutoClose
    private static LaunchedProcess server;

    @AutoClose
    private static Api api;

    @BeforeAll
    static void start() throws IOException {
        server = Launcher.serve().start();
        api = new Api(server.awaitServerPort());
    }

    @AfterAll
    static void endsInGoodOrder() {
        assertThat(server.stop()).as("%s", server).isZero();
    }

    private static String body(int number, boolean stream) {
        return """
                {"prompt": "%s", "max_tokens": %d, "temperature": 0.9, "seed": %d, "ignore_eos": true, "stream": %s}""".formatted(BEGINNINGS[number % BEGINNINGS.length], TOKENS, number, stream);
    }

    @Test
    void everyStreamSaysWhatItsPromptSaysAlone() throws Exception {
        Map<Integer, String> alone = new HashMap<>();
        for (int number = 0; number < DIFFERENT; number++) {
            alone.put(
                    number,
                    Api.json(api.complete(body(number, false)).body())
                            .path("choices")
                            .path(0)
                            .path("text")
                            .asString());
        }
        List<Future<List<JsonNode>>> streams = new ArrayList<>();
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < STREAMS; i++) {
                int number = i % DIFFERENT;
                streams.add(clients.submit(
                        () -> events(api.complete(body(number, true)).body())));
            }
        }
        for (int i = 0; i < STREAMS; i++) {
            List<JsonNode> chunks = streams.get(i).get();
            assertThat(chunks.stream()
                            .map(chunk ->
                                    chunk.path("choices").path(0).path("text").asString())
                            .collect(Collectors.joining()))
                    .as("stream %d", i)
                    .isEqualTo(alone.get(i % DIFFERENT));
            assertThat(chunks.getLast()
                            .path("choices")
                            .path(0)
                            .path("finish_reason")
                            .asString())
                    .isEqualTo("length");
        }
    }

    private static List<JsonNode> events(String body) {
        List<String> lines = body.lines().filter(line -> !line.isEmpty()).toList();
        assertThat(lines).last().isEqualTo("data: [DONE]");
        return lines.stream()
                .limit(lines.size() - 1L)
                .map(line -> Api.json(line.substring("data: ".length())))
                .toList();
    }

    @Test
    void whoLeavesLeavesNothingBehind() throws Exception {
        long seed = Long.getLong("spandrel.test.seed", System.nanoTime());
        Random random = new Random(seed);
        Semaphore places = new Semaphore(32);
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < ABORTS; i++) {
                int number = i;
                long stayNanos = random.nextLong(30_000_000);
                boolean stream = random.nextBoolean();
                boolean reset = random.nextBoolean();
                places.acquire();
                clients.submit(() -> {
                    try (Socket socket = api.beginCompletion(
                            body(number, stream).replace("\"max_tokens\": " + TOKENS, "\"max_tokens\": 400"),
                            "leaves-" + number)) {
                        LockSupport.parkNanos(stayNanos);
                        if (reset) {
                            socket.setSoLinger(true, 0);
                        }
                    } finally {
                        places.release();
                    }
                    return null;
                });
            }
        }
        Await.until(
                "nothing running, waiting or held (-Dspandrel.test.seed=" + seed + ")",
                () -> api.gauge("vllm:num_requests_running") == 0
                        && api.gauge("vllm:num_requests_waiting") == 0
                        && api.gauge("vllm:kv_cache_usage_perc") == 0,
                server::toString);
        assertThat(Api.json(api.get("/load").body()).path("server_load").asInt())
                .isZero();
    }
}
