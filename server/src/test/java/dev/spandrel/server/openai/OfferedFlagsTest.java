package dev.spandrel.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.TestServer;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What is there with its flag only, and what vLLM's tests expect of it with and without. */
class OfferedFlagsTest {
    private static final String CHAT = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":3";
    private static TestServer all;
    private static TestServer none;

    @BeforeAll
    static void start() {
        all = TestServer.offeringAll(new ScriptedEngine());
        none = TestServer.start(new ScriptedEngine());
    }

    @AfterAll
    static void stop() {
        all.close();
        none.close();
    }

    private static JsonNode json(HttpResponse<String> response) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return TestServer.JSON.readTree(response.body());
    }

    private static List<JsonNode> chunks(TestServer server, String path, String body) {
        List<JsonNode> chunks = new ArrayList<>();
        for (String event : server.post(path, body).body().split("\n\n")) {
            String data = event.substring("data: ".length());
            if (!data.equals("[DONE]")) {
                chunks.add(TestServer.JSON.readTree(data));
            }
        }
        return chunks;
    }

    @ParameterizedTest
    @CsvSource({"/v1/chat/completions, true", "/v1/completions, false"})
    void usageIsOnEveryChunkUnasked(String path, boolean chat) {
        String body = (chat ? CHAT : "{\"prompt\":\"a\",\"max_tokens\":3") + ",\"stream\":true}";
        List<JsonNode> chunks = chunks(all, path, body);
        assertThat(chunks)
                .allSatisfy(chunk -> assertThat(chunk.path("usage").isObject()).isTrue());
        assertThat(chunks.getLast().path("choices")).isEmpty();
        assertThat(chunks.getLast().at("/usage/completion_tokens").asInt()).isEqualTo(3);
        assertThat(chunks(none, path, body)).noneMatch(chunk -> chunk.has("usage"));
    }

    @Test
    void latenciesOfASingleChoice() {
        JsonNode metrics = all.completion("{\"prompt\":\"a\",\"max_tokens\":3}").path("metrics");
        assertThat(metrics.propertyNames())
                .containsExactly(
                        "time_to_first_token_ms",
                        "generation_time_ms",
                        "queue_time_ms",
                        "mean_itl_ms",
                        "tokens_per_second");
        assertThat(metrics.path("time_to_first_token_ms").asDouble()).isEqualTo(10);
        assertThat(metrics.path("generation_time_ms").asDouble()).isEqualTo(10);
        assertThat(metrics.path("mean_itl_ms").asDouble()).isEqualTo(5);
        assertThat(metrics.path("tokens_per_second").asDouble()).isPositive();
        assertThat(json(all.post("/v1/chat/completions", CHAT + "}"))
                        .path("metrics")
                        .isObject())
                .isTrue();
        assertThat(all.completion("{\"prompt\":[\"a\",\"b\"]}").path("metrics").isNull())
                .isTrue();
        assertThat(all.completion("{\"prompt\":\"a\",\"n\":2}").path("metrics").isNull())
                .isTrue();
        assertThat(none.completion("{\"prompt\":\"a\"}").has("metrics")).isFalse();
    }

    @Test
    void theTokenizerIsToldOf() {
        JsonNode info = json(all.get("/tokenizer_info"));
        assertThat(info.path("tokenizer_class").isString()).isTrue();
        assertThat(info.path("model_max_length").asInt()).isEqualTo(256);
        assertThat(none.get("/tokenizer_info").statusCode()).isEqualTo(404);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "/v1/chat/completions; {\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":2}",
                "/v1/completions; {\"prompt\":\"a\",\"max_tokens\":2}",
                "/v1/embeddings; {\"input\":\"a\"}"
            })
    void invocationsAnswerAsTheEndpointProper(String path, String body) {
        JsonNode proper = json(none.post(path, body));
        JsonNode invoked = json(none.post("/invocations", body));
        assertThat(invoked.propertyNames()).isEqualTo(proper.propertyNames());
        assertThat(invoked.path("choices")).isEqualTo(proper.path("choices"));
        assertThat(invoked.path("data")).isEqualTo(proper.path("data"));
    }

    @Test
    void invocationsOfNothingAreRefused() {
        assertThat(none.post("/invocations", "{\"model\":\"scripted\"}").statusCode())
                .isEqualTo(400);
        assertThat(none.post("/invocations", "[]").statusCode()).isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "TEXT; TEXT named_metrics\\.kv_cache_usage_perc=[0-9.]+, named_metrics\\.num_requests_waiting=[0-9]+",
                "json; JSON \\{\"named_metrics\": \\{\"kv_cache_usage_perc\": [0-9.]+, \"num_requests_waiting\": [0-9]+\\}\\}"
            })
    void loadIsReportedToWhoAsks(String format, String report) {
        for (String stream : new String[] {"false", "true"}) {
            HttpResponse<String> chat = none.post(
                    "/v1/chat/completions",
                    CHAT + ",\"stream\":" + stream + "}",
                    "endpoint-load-metrics-format",
                    format);
            assertThat(chat.statusCode()).isEqualTo(200);
            assertThat(chat.headers().firstValue("endpoint-load-metrics").orElseThrow())
                    .matches(report);
        }
        assertThat(none.post("/v1/completions", "{\"prompt\":\"a\"}").headers().firstValue("endpoint-load-metrics"))
                .isEmpty();
        assertThat(none.post("/v1/completions", "{\"prompt\":\"a\"}", "endpoint-load-metrics-format", "XML")
                        .headers()
                        .firstValue("endpoint-load-metrics"))
                .isEmpty();
    }

    /** vLLM's test of 200 requests that nobody waits for. */
    @Test
    void requestsThatNobodyWaitsForHoldNothingUp() throws Exception {
        ScriptedEngine engine = new ScriptedEngine();
        try (TestServer server = TestServer.start(engine)) {
            engine.script(dev.spandrel.server.ScriptedGeneration::silent);
            for (int i = 0; i < 200; i++) {
                try (java.net.Socket client = server.connect()) {
                    client.getOutputStream()
                            .write(
                                    ("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n{\"prompt\":\"a\"}")
                                            .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
                    engine.submitted().awaitReader();
                }
            }
            assertThat(engine.leftOpen()).isZero();
            engine.script(dev.spandrel.server.ScriptedGeneration::words);
            assertThat(server.completion("{\"prompt\":\"a\"}").path("choices")).hasSize(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"none, 200", "minimal, 200", "max, 200", "enormous, 400", "'', 400"})
    void effortsAreThoseOfVllm(String effort, int status) {
        assertThat(none.post("/v1/chat/completions", CHAT + ",\"reasoning_effort\":\"" + effort + "\"}")
                        .statusCode())
                .isEqualTo(status);
    }
}
