package dev.spandrel.server.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A real Prometheus scrapes a real server; the counts are those of vLLM's own test, the queries those of its dashboards. */
class PrometheusIT {
    private static final int REQUESTS = 10;
    private static final int TOKENS = 10;
    private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

    @TempDir
    private static Path folder;

    private static OtlpBackend backend;
    private static LaunchedProcess server;
    private static PrometheusServer prometheus;
    private static int promptTokens;

    @BeforeAll
    static void serveTenRequests() throws IOException {
        Optional<Path> executable = PrometheusServer.executable();
        assumeTrue(executable.isPresent(), "no prometheus on the PATH (Debian: apt-get install prometheus)");
        backend = new OtlpBackend();
        server = Launcher.serve(
                        "--otlp-traces-endpoint",
                        "127.0.0.1:" + backend.grpcPort(),
                        "--speculative-config",
                        "{\"method\": \"ngram\", \"num_speculative_tokens\": 2, \"prompt_lookup_max\": 2}",
                        "--no-enable-prefix-caching")
                .start();
        int port = server.awaitServerPort();
        prometheus = PrometheusServer.start(executable.get(), folder, port);
        awaitValue("vllm:request_success_total{finished_reason=\"length\"}", 0);
        try (Api api = new Api(port)) {
            for (int i = 0; i < REQUESTS; i++) {
                JsonNode answer = Api.json(api.complete(
                                "{\"prompt\": \"Once upon a time\", \"max_tokens\": " + TOKENS
                                        + ", \"temperature\": 0, \"ignore_eos\": true}",
                                "traceparent",
                                "00-" + TRACE + "-00f067aa0ba902b7-01")
                        .body());
                promptTokens += answer.path("usage").path("prompt_tokens").asInt();
            }
        }
        awaitValue("vllm:request_success_total{finished_reason=\"length\"}", REQUESTS);
    }

    @AfterAll
    static void stop() {
        if (prometheus != null) {
            prometheus.close();
        }
        if (server != null) {
            assertThat(server.stop()).as("%s", server).isZero();
            server.close();
        }
        if (backend != null) {
            backend.close();
        }
    }

    private static void awaitValue(String query, double value) {
        await(query + " = " + value, query, Optional.of(value)::equals);
    }

    private static void await(String what, String query, Predicate<Optional<Double>> answer) {
        Await.until(
                what,
                () -> {
                    try {
                        return answer.test(prometheus.value(query));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                },
                () -> prometheus + "\n" + server);
    }

    @ParameterizedTest
    @CsvSource({
        "vllm:time_to_first_token_seconds_count, 10",
        "vllm:inter_token_latency_seconds_count, 90",
        "vllm:e2e_request_latency_seconds_count, 10",
        "vllm:request_queue_time_seconds_count, 10",
        "vllm:request_inference_time_seconds_count, 10",
        "vllm:request_prefill_time_seconds_count, 10",
        "vllm:request_decode_time_seconds_count, 10",
        "vllm:request_prompt_tokens_count, 10",
        "vllm:request_generation_tokens_sum, 100",
        "vllm:request_generation_tokens_count, 10",
        "vllm:request_params_n_count, 10",
        "vllm:request_params_max_tokens_sum, 100",
        "vllm:generation_tokens_total, 100",
        "vllm:num_requests_running, 0",
        "vllm:num_requests_waiting, 0",
        "vllm:kv_cache_usage_perc, 0",
        "up, 1"
    })
    void countsAreExact(String series, double value) throws IOException {
        assertThat(prometheus.value(series)).contains(value);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "vllm:request_prompt_tokens_sum",
                "vllm:prompt_tokens_total",
                "sum(vllm:prompt_tokens_by_source_total)",
                "vllm:iteration_tokens_total_sum - 100"
            })
    void promptTokensAreThoseOfTheAnswers(String series) throws IOException {
        assertThat(prometheus.value(series)).contains((double) promptTokens);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "histogram_quantile(0.99, sum by(le) (rate(vllm:e2e_request_latency_seconds_bucket{model_name=\"$m\"}[1m])))",
                "rate(vllm:e2e_request_latency_seconds_sum[1m]) / rate(vllm:e2e_request_latency_seconds_count[1m])",
                "histogram_quantile(0.95, sum by(le) (rate(vllm:time_to_first_token_seconds_bucket{engine=~\"0\"}[1m])))",
                "histogram_quantile(0.5, sum by(le) (rate(vllm:inter_token_latency_seconds_bucket[1m])))",
                "histogram_quantile(0.5, sum by(le) (rate(vllm:request_time_per_output_token_seconds_bucket[1m])))",
                "sum(rate(vllm:prompt_tokens_total{model_name=~\"$m\"}[1m]))",
                "sum(rate(vllm:generation_tokens_total{model_name=~\"$m\"}[1m]))",
                "sum by(finished_reason) (increase(vllm:request_success_total{model_name=\"$m\"}[1m]))",
                "sum by(le) (increase(vllm:request_prompt_tokens_bucket{model_name=\"$m\"}[1m]))",
                "sum by(le) (increase(vllm:request_generation_tokens_bucket{model_name=\"$m\"}[1m]))",
                "rate(vllm:request_queue_time_seconds_sum[1m])",
                "rate(vllm:request_prefill_time_seconds_sum[1m])",
                "rate(vllm:request_decode_time_seconds_sum[1m])",
                "rate(vllm:request_inference_time_seconds_sum[1m])",
                "rate(vllm:request_max_num_generation_tokens_sum[1m])",
                "histogram_quantile(0.5, sum by(le) (rate(vllm:request_params_max_tokens_bucket[1m])))",
                "sum(rate(vllm:request_params_n_bucket[1m]))",
                "sum(rate(vllm:request_prefill_kv_computed_tokens_sum[1m]))",
                "sum(rate(vllm:iteration_tokens_total_sum[1m])) / sum(rate(vllm:iteration_tokens_total_count[1m]))",
                "max by(instance, engine) (vllm:kv_cache_usage_perc{model_name=~\"$m\"})",
                "sum(vllm:num_requests_waiting_by_reason{reason=\"capacity\"})",
                "sum(vllm:num_requests_waiting_by_reason{reason=\"deferred\"})",
                "sum(rate(vllm:num_preemptions_total[1m]))",
                "sum(rate(vllm:prefix_cache_queries_total[1m]))",
                "sum(rate(vllm:prefix_cache_hits_total[1m]))",
                "sum(rate(vllm:prompt_tokens_cached_total[1m])) / sum(rate(vllm:prompt_tokens_total[1m]))",
                "vllm:cache_config_info{block_size=\"16\", num_gpu_blocks!=\"\"}",
                "(2 - (max(vllm:engine_sleep_state{sleep_state=\"awake\"}) == bool 0)) or vector(0)",
                "sum by(position) (rate(vllm:spec_decode_num_accepted_tokens_per_pos_total[1m]))",
                "sum(rate(vllm:spec_decode_num_drafts_total[1m]))",
                "sum(rate(vllm:spec_decode_num_draft_tokens_total[1m]))",
                "sum(rate(vllm:spec_decode_num_accepted_tokens_total[1m]))",
                "sum(rate(http_requests_total{status=\"2xx\"}[1m])) / (sum(rate(http_requests_total[1m])) > 0)",
                "histogram_quantile(0.9, sum by(le) (rate(http_request_duration_seconds_bucket{handler=\"/v1/completions\"}[1m])))",
                "rate(process_cpu_seconds_total[1m])",
                "process_resident_memory_bytes"
            })
    void queriesOfDashboardsFindTheirSeries(String query) {
        // A rate needs two scrapes of its series, and some begin with the first request.
        await(query, query.replace("$m", "spandrel-tiny"), Optional::isPresent);
    }

    @Test
    void exemplarsNameTheTrace() throws IOException {
        JsonNode found = prometheus.ask(
                "/api/v1/query_exemplars?start=0&end=9999999999&query=", "vllm:e2e_request_latency_seconds_bucket");
        assertThat(found.path(0)
                        .path("exemplars")
                        .path(0)
                        .path("labels")
                        .path("trace_id")
                        .asString())
                .as("%s", found)
                .isEqualTo(TRACE);
    }
}
