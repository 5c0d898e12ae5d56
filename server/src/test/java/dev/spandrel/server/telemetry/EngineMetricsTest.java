package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.server.ScriptedEngine;
import dev.spandrel.server.ScriptedGeneration;
import dev.spandrel.server.TestServer;
import dev.spandrel.server.Waiting;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names, labels, buckets and counts of {@code /metrics}; the counts are those of vLLM's own test. */
class EngineMetricsTest {
    private static final String LABELS = "{engine=\"0\",model_name=\"scripted\"}";

    private final EngineMetrics metrics = new EngineMetrics();
    private final TestServer server = TestServer.start(new ScriptedEngine(), metrics, metrics, List.of());

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void tenRequestsOfTenTokens() {
        for (int i = 0; i < 10; i++) {
            server.completion("{\"prompt\":\"a b c\",\"max_tokens\":10}");
        }
        Waiting.until(() -> text().contains("vllm:e2e_request_latency_seconds_count" + LABELS + " 10.0"), "all ended");
        assertThat(lines())
                .contains(
                        "vllm:time_to_first_token_seconds_count" + LABELS + " 10.0",
                        "vllm:inter_token_latency_seconds_count" + LABELS + " 90.0",
                        "vllm:request_queue_time_seconds_count" + LABELS + " 10.0",
                        "vllm:request_inference_time_seconds_count" + LABELS + " 10.0",
                        "vllm:request_prefill_time_seconds_count" + LABELS + " 10.0",
                        "vllm:request_decode_time_seconds_count" + LABELS + " 10.0",
                        "vllm:request_prompt_tokens_sum" + LABELS + " 30.0",
                        "vllm:request_prompt_tokens_count" + LABELS + " 10.0",
                        "vllm:request_generation_tokens_sum" + LABELS + " 100.0",
                        "vllm:request_params_n_count" + LABELS + " 10.0",
                        "vllm:request_params_max_tokens_sum" + LABELS + " 100.0",
                        "vllm:request_success_total{engine=\"0\",model_name=\"scripted\",finished_reason=\"length\"} 10.0",
                        "vllm:request_success_total{engine=\"0\",model_name=\"scripted\",finished_reason=\"abort\"} 0.0",
                        "vllm:time_to_first_token_seconds_bucket{engine=\"0\",model_name=\"scripted\",le=\"0.005\"} 0.0",
                        "vllm:time_to_first_token_seconds_bucket{engine=\"0\",model_name=\"scripted\",le=\"0.01\"} 10.0");
    }

    @Test
    void embeddingsAreRequestsWithoutTokens() {
        server.post("/v1/embeddings", "{\"input\":[\"a b c\",\"d\"]}");
        Waiting.until(() -> text().contains("vllm:e2e_request_latency_seconds_count" + LABELS + " 2.0"), "both ended");
        assertThat(lines())
                .contains(
                        "vllm:request_success_total{engine=\"0\",model_name=\"scripted\",finished_reason=\"stop\"} 2.0",
                        "vllm:request_queue_time_seconds_count" + LABELS + " 2.0",
                        "vllm:request_prefill_time_seconds_count" + LABELS + " 2.0",
                        "vllm:request_prompt_tokens_sum" + LABELS + " 4.0",
                        "vllm:time_to_first_token_seconds_count" + LABELS + " 0.0",
                        "vllm:request_generation_tokens_count" + LABELS + " 0.0",
                        "vllm:request_decode_time_seconds_count" + LABELS + " 0.0");
    }

    @Test
    void livesOfBlocksAreThereWhereTheyAreWanted() {
        assertThat(text()).doesNotContain("vllm:kv_block");
        EngineMetrics watching = new EngineMetrics(0.5);
        try (TestServer other = TestServer.start(new ScriptedEngine(), watching, watching, List.of())) {
            assertThat(watching.watchedBlocks()).isEqualTo(0.5);
            watching.onEvicted(new dev.spandrel.engine.BlockLife(3_000_000_000L, 1_000_000_000L, List.of(4_000_000L)));
            assertThat(other.get("/metrics").body().lines())
                    .contains(
                            "vllm:kv_block_lifetime_seconds_bucket{engine=\"0\",model_name=\"scripted\",le=\"2.0\"} 0.0",
                            "vllm:kv_block_lifetime_seconds_bucket{engine=\"0\",model_name=\"scripted\",le=\"5.0\"} 1.0",
                            "vllm:kv_block_idle_before_evict_seconds_sum" + LABELS + " 1.0",
                            "vllm:kv_block_reuse_gap_seconds_bucket{engine=\"0\",model_name=\"scripted\",le=\"0.005\"} 1.0",
                            "vllm:kv_block_reuse_gap_seconds_bucket{engine=\"0\",model_name=\"scripted\",le=\"1800.0\"} 1.0");
        }
    }

    /** Those of a stream that lasts are seen while it lasts. */
    @Test
    void tokensAreCountedAsTheyCome() throws Exception {
        server.engine()
                .script(request ->
                        ScriptedGeneration.silent(request).send("a").send("b").send("c"));
        try (java.net.Socket client = server.connect()) {
            client.getOutputStream()
                    .write(
                            "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 28\r\n\r\n{\"prompt\":\"a\",\"stream\":true}"
                                    .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            Waiting.until(
                    () -> text().contains("vllm:inter_token_latency_seconds_count" + LABELS + " 2.0"), "two gaps");
            assertThat(lines())
                    .contains(
                            "vllm:time_to_first_token_seconds_count" + LABELS + " 1.0",
                            "vllm:e2e_request_latency_seconds_count" + LABELS + " 0.0");
        }
    }

    private static String readings(String mode, String outcome, String type, int count) {
        return "vllm:tool_call_parser_invocations_total{model_name=\"scripted\",mode=\"" + mode + "\",outcome=\""
                + outcome + "\",request_type=\"" + type + "\"} " + count + ".0";
    }

    /** vLLM's tests of its parser metrics; but a streamed choice counts once. */
    @Test
    void choicesReadForCallsAreCountedByWhatWasFound() {
        for (String mode : List.of("streaming", "non_streaming")) {
            for (String outcome : List.of("tool_call", "no_tool_call")) {
                for (String type : List.of("chat_completions", "responses", "other")) {
                    assertThat(lines()).contains(readings(mode, outcome, type, 0));
                }
            }
        }
        String chat = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"tools\":[{\"type\":\"function\","
                + "\"function\":{\"name\":\"f\"}}]";
        server.post("/v1/chat/completions", chat + ",\"tool_choice\":\"none\"}");
        server.post("/v1/chat/completions", chat + ",\"n\":2}");
        server.engine()
                .script(request -> ScriptedGeneration.silent(request)
                        .send("<tool_call>{\"name\": \"f\"")
                        .finish(", \"arguments\": {}}</tool_call>", FinishReason.STOP));
        server.post("/v1/chat/completions", chat + ",\"stream\":true}");
        server.post("/v1/responses", "{\"input\":\"a\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]}");
        Waiting.until(() -> text().contains(readings("non_streaming", "tool_call", "responses", 1)), "the last");
        assertThat(lines())
                .contains(
                        readings("non_streaming", "no_tool_call", "chat_completions", 2),
                        readings("non_streaming", "tool_call", "chat_completions", 0),
                        readings("streaming", "tool_call", "chat_completions", 1),
                        readings("streaming", "no_tool_call", "chat_completions", 0));
    }

    @Test
    void parentsAreCountedOncePerPrompt() {
        server.completion("{\"prompt\":[\"a\",\"b\"],\"n\":3,\"max_tokens\":2}");
        Waiting.until(() -> text().contains("vllm:request_params_n_count" + LABELS + " 2.0"), "both prompts ended");
        assertThat(lines())
                .contains(
                        "vllm:request_params_n_sum" + LABELS + " 6.0",
                        "vllm:request_max_num_generation_tokens_count" + LABELS + " 2.0",
                        "vllm:request_generation_tokens_count" + LABELS + " 6.0");
    }

    @Test
    void failuresAreCountedByReasonOnly() {
        server.engine()
                .script(request -> ScriptedGeneration.silent(request).fail(new EngineException.StepFailed("x", null)));
        server.post("/v1/completions", "{\"prompt\":\"a\"}");
        Waiting.until(() -> text().contains("finished_reason=\"error\"} 1.0"), "the failure is counted");
        assertThat(lines()).contains("vllm:e2e_request_latency_seconds_count" + LABELS + " 0.0");
    }

    @Test
    void stepsAndEngineStats() {
        metrics.onStep(new StepRecord(0, 0, 1, 2, 3, 2, 30, 2, 0, Optional.empty()));
        metrics.onStep(new StepRecord(1, 4, 5, 6, 7, 2, 0, 2, 0, Optional.empty()));
        assertThat(lines())
                .contains(
                        "vllm:iteration_tokens_total_count" + LABELS + " 2.0",
                        "vllm:iteration_tokens_total_sum" + LABELS + " 34.0",
                        "vllm:iteration_tokens_total_bucket{engine=\"0\",model_name=\"scripted\",le=\"8.0\"} 1.0",
                        "vllm:num_requests_running" + LABELS + " 1.0",
                        "vllm:num_requests_waiting" + LABELS + " 2.0",
                        "vllm:kv_cache_usage_perc" + LABELS + " 0.25",
                        "vllm:num_preemptions_total" + LABELS + " 3.0",
                        "vllm:prompt_tokens_total" + LABELS + " 40.0",
                        "vllm:prefix_cache_queries_total" + LABELS + " 60.0",
                        "vllm:prefix_cache_hits_total" + LABELS + " 20.0",
                        "vllm:generation_tokens_total" + LABELS + " 50.0")
                .anyMatch(line -> line.startsWith("vllm:cache_config_info{")
                        && line.contains("block_size=\"16\"")
                        && line.contains("kv_cache_size_tokens=\"1600\"")
                        && line.contains("kv_cache_max_concurrency=\"6.25\""));
    }

    @Test
    void waitingIsSplitByReason() {
        String name = "vllm:num_requests_waiting_by_reason{engine=\"0\",model_name=\"scripted\",reason=";
        assertThat(lines()).contains(name + "\"capacity\"} 1.0", name + "\"deferred\"} 1.0");
    }

    @Test
    void sourcesOfPromptTokensAddUp() {
        String name = "vllm:prompt_tokens_by_source_total{engine=\"0\",model_name=\"scripted\",source=";
        assertThat(lines())
                .contains(
                        "vllm:prompt_tokens_total" + LABELS + " 40.0",
                        name + "\"local_compute\"} 25.0",
                        name + "\"local_cache_hit\"} 15.0",
                        name + "\"external_kv_transfer\"} 0.0",
                        "vllm:prompt_tokens_cached_total" + LABELS + " 15.0");
    }

    @Test
    void speculationIsToldByPosition() {
        String name =
                "vllm:spec_decode_num_accepted_tokens_per_pos_total{engine=\"0\",model_name=\"scripted\",position=";
        assertThat(lines())
                .contains(
                        "vllm:spec_decode_num_drafts_total" + LABELS + " 4.0",
                        "vllm:spec_decode_num_draft_tokens_total" + LABELS + " 8.0",
                        "vllm:spec_decode_num_accepted_tokens_total" + LABELS + " 5.0",
                        name + "\"0\"} 3.0",
                        name + "\"1\"} 2.0");
    }

    @Test
    void httpRequestsAreCountedByHandlerAndGroupOfStatus() {
        server.completion("{\"prompt\":\"a\"}");
        server.post("/v1/completions", "{");
        server.get("/v1/completions");
        server.get("/nobody/knows/this");
        server.get("/health");
        String name = "http_requests_total{handler=";
        Waiting.until(() -> text().contains(name + "\"none\",method=\"GET\",status=\"4xx\"} 1.0"), "all are counted");
        assertThat(lines())
                .contains(
                        name + "\"/v1/completions\",method=\"POST\",status=\"2xx\"} 1.0",
                        name + "\"/v1/completions\",method=\"POST\",status=\"4xx\"} 1.0",
                        name + "\"/v1/completions\",method=\"GET\",status=\"4xx\"} 1.0",
                        "http_request_size_bytes_count{handler=\"/v1/completions\"} 3.0",
                        "http_request_size_bytes_sum{handler=\"/v1/completions\"} 15.0",
                        "http_request_duration_seconds_count{handler=\"/v1/completions\",method=\"POST\"} 2.0",
                        "http_request_duration_highr_seconds_count 4.0")
                .noneMatch(line -> line.contains("/health") || line.contains("/nobody"));
    }

    @Test
    void engineFaultsAreFivehundreds() {
        server.engine()
                .script(request -> ScriptedGeneration.silent(request).fail(new EngineException.StepFailed("x", null)));
        server.post("/v1/completions", "{\"prompt\":\"a\"}");
        Waiting.until(
                () -> text().contains("{handler=\"/v1/completions\",method=\"POST\",status=\"5xx\"} 1.0"),
                "the failure is counted");
    }

    @Test
    void processIsThere() {
        assertThat(text()).contains("process_cpu_seconds_total ", "process_start_time_seconds ");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0.0",
        "0.005, 0.005",
        "10, 10.0",
        "999999, 999999.0",
        "1000000, 1e+06",
        "2500000, 2.5e+06",
        "1234567890, 1.23456789e+09",
        "0.00001, 1e-05",
        "Infinity, +Inf"
    })
    void numbersAreThoseOfThePythonClient(double value, String written) {
        assertThat(PrometheusText.number(value)).isEqualTo(written);
    }

    @Test
    void bucketsOfTokensFollowTheContext() {
        assertThat(RequestHistograms.oneTwoFive(256)).containsExactly(1, 2, 5, 10, 20, 50, 100, 200);
        assertThat(RequestHistograms.oneTwoFive(1)).containsExactly(1);
        assertThat(RequestHistograms.oneTwoFive(Integer.MAX_VALUE)).endsWith(1e9, 2e9);
        assertThat(text())
                .contains("vllm:request_prompt_tokens_bucket{engine=\"0\",model_name=\"scripted\",le=\"200.0\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"", "\\", "\n"})
    void labelValuesAreEscaped(String character) {
        String escaped = character.equals("\n") ? "\\n" : "\\" + character;
        assertThat(PrometheusText.label("l", "a" + character + "b")).isEqualTo("l=\"a" + escaped + "b\"");
    }

    @Test
    void everySampleBelongsToAFamily() {
        String family = "";
        for (String line : lines()) {
            if (line.startsWith("# TYPE ")) {
                family = line.split(" ")[2];
            } else if (!line.startsWith("#")) {
                assertThat(line).startsWith(family).matches("[a-zA-Z0-9_:]+(\\{.*})? [-+0-9.eEIinf]+");
            }
        }
    }

    private String text() {
        return server.get("/metrics").body();
    }

    private List<String> lines() {
        return text().lines().toList();
    }
}
