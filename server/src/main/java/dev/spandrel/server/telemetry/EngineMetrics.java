package dev.spandrel.server.telemetry;

import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.StepListener;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.server.openai.EndedGeneration;
import dev.spandrel.server.openai.GenerationListener;
import io.helidon.webserver.http.ServerRequest;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * vLLM's {@code vllm:*} metrics that apply to this engine, with its names, labels and buckets, so that its dashboards
 * work unchanged. Fed by the engine thread ({@link #onStep}) and by request threads, all without locks; gauges and token
 * counters are the engine's own, read when asked.
 */
public final class EngineMetrics implements StepListener, GenerationListener {
    private static final double[] TIME_TO_FIRST_TOKEN = {
        .001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560
    };
    private static final double[] INTER_TOKEN = {
        .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80
    };
    private static final double[] REQUEST = {
        .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680
    };
    private static final double[] ITERATION = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};

    private final Histogram iterationTokens = new Histogram(ITERATION);
    private final Histogram timeToFirstToken = new Histogram(TIME_TO_FIRST_TOKEN);
    private final Histogram interToken = new Histogram(INTER_TOKEN);
    private final Histogram timePerOutputToken = new Histogram(INTER_TOKEN);
    private final Histogram e2e = new Histogram(REQUEST);
    private final Histogram queue = new Histogram(REQUEST);
    private final Histogram inference = new Histogram(REQUEST);
    private final Histogram prefill = new Histogram(REQUEST);
    private final Histogram decode = new Histogram(REQUEST);
    private final Histogram paramsN = new Histogram(1, 2, 5, 10, 20);
    private final Map<FinishReason, LongAdder> finished = new EnumMap<>(FinishReason.class);
    private volatile SpanDrops drops;
    private volatile TokenHistograms tokens;
    private volatile int maxModelLen = 1;
    private volatile boolean cachesPrefixes;

    /** Histograms whose buckets depend on the model's context. */
    private record TokenHistograms(
            Histogram prompt, Histogram generation, Histogram maxGeneration, Histogram maxTokens, Histogram computed) {
        static TokenHistograms upTo(int maxModelLen) {
            double[] bounds = oneTwoFive(maxModelLen);
            return new TokenHistograms(
                    new Histogram(bounds),
                    new Histogram(bounds),
                    new Histogram(bounds),
                    new Histogram(bounds),
                    new Histogram(bounds));
        }
    }

    public EngineMetrics() {
        Arrays.stream(FinishReason.values()).forEach(reason -> finished.put(reason, new LongAdder()));
        tokens = TokenHistograms.upTo(1);
    }

    /** Tells of the engine; called once, when it is loaded and before the first request. */
    public void loaded(int modelLen, boolean prefixCaching) {
        maxModelLen = modelLen;
        cachesPrefixes = prefixCaching;
        tokens = TokenHistograms.upTo(modelLen);
    }

    /** 1, 2, 5, 10, 20, 50, … up to a limit. */
    static double[] oneTwoFive(int limit) {
        return java.util.stream.LongStream.iterate(1, power -> power <= limit, power -> power * 10)
                .flatMap(power -> java.util.stream.LongStream.of(power, 2 * power, 5 * power))
                .filter(bound -> bound <= limit)
                .asDoubleStream()
                .toArray();
    }

    @Override
    public void onStep(StepRecord step) {
        iterationTokens.observe(step.promptTokens() + (double) step.generatedTokens());
    }

    @Override
    public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
        generations.forEach(generation ->
                generation.reasons().forEach(reason -> finished.get(reason).increment()));
        generations.forEach(this::tokens);
        generations.stream().filter(EngineMetrics::isComplete).forEach(this::completed);
        if (generations.stream().allMatch(EngineMetrics::isComplete)) {
            perPrompt(generations);
        }
    }

    /** Of cancelled generations too: their tokens were just as slow. */
    private void tokens(EndedGeneration generation) {
        List<Long> nanos = generation.tokenNanos();
        if (!nanos.isEmpty()) {
            timeToFirstToken.observe(RequestTimings.seconds(generation.timings().arrivalNanos(), nanos.getFirst()));
        }
        for (int i = 1; i < nanos.size(); i++) {
            interToken.observe(RequestTimings.seconds(nanos.get(i - 1), nanos.get(i)));
        }
    }

    private void perPrompt(List<EndedGeneration> generations) {
        int n = generations.getFirst().choices();
        int perPrompt = n / generations.getFirst().beams();
        for (int prompt = 0; prompt < generations.size(); prompt += perPrompt) {
            paramsN.observe(n);
            tokens.maxGeneration()
                    .observe(generations.subList(prompt, prompt + perPrompt).stream()
                            .mapToInt(EndedGeneration::completionTokens)
                            .max()
                            .orElse(0));
        }
    }

    private static boolean isComplete(EndedGeneration generation) {
        return generation.reason() == FinishReason.STOP || generation.reason() == FinishReason.LENGTH;
    }

    private void completed(EndedGeneration generation) {
        latencies(generation);
        TokenHistograms counts = tokens;
        counts.prompt().observe(generation.promptTokens());
        counts.computed().observe(generation.promptTokens() - generation.cachedTokens());
        counts.generation().observe(generation.completionTokens());
        generation.sampling().maxTokens().ifPresent(counts.maxTokens()::observe);
    }

    private void latencies(EndedGeneration generation) {
        RequestTimings timings = generation.timings();
        double decoding = RequestTimings.seconds(timings.firstTokenNanos(), timings.lastTokenNanos());
        e2e.observe(RequestTimings.seconds(timings.arrivalNanos(), timings.finishedNanos()));
        queue.observe(RequestTimings.seconds(timings.queuedNanos(), timings.firstScheduledNanos()));
        inference.observe(RequestTimings.seconds(timings.firstScheduledNanos(), timings.lastTokenNanos()));
        prefill.observe(RequestTimings.seconds(timings.firstScheduledNanos(), timings.firstTokenNanos()));
        decode.observe(decoding);
        int later = generation.completionTokens() - 1;
        timePerOutputToken.observe(later > 0 ? decoding / later : 0);
    }

    /** All families as Prometheus text. */
    byte[] text(String modelName, EngineStats stats) {
        PrometheusText out = new PrometheusText(
                PrometheusText.label("engine", "0") + "," + PrometheusText.label("model_name", modelName));
        gauges(out, stats);
        counters(out, stats);
        histograms(out);
        drops(out);
        return out.bytes();
    }

    /** Spans that were lost, where there are spans at all. */
    public void countDrops(Telemetry telemetry) {
        drops = telemetry.drops();
    }

    private void drops(PrometheusText out) {
        SpanDrops lost = drops;
        if (lost != null) {
            out.family("otel_spans_dropped_total", "counter", "Spans that no backend will see.")
                    .sample("otel_spans_dropped_total", "reason=\"queue_full\"", lost.queueFull())
                    .sample("otel_spans_dropped_total", "reason=\"export_failed\"", lost.exportFailed())
                    .sample("otel_spans_dropped_total", "reason=\"step_queue_full\"", lost.stepQueueFull());
        }
    }

    private void gauges(PrometheusText out, EngineStats stats) {
        out.gauge("vllm:num_requests_running", "Requests in the running batch.", stats.running());
        out.gauge("vllm:num_requests_waiting", "Requests waiting, for whatever reason.", stats.waiting());
        out.family("vllm:num_requests_waiting_by_reason", "gauge", "Requests waiting, by reason.")
                .sample("vllm:num_requests_waiting_by_reason", "reason=\"capacity\"", stats.waiting())
                .sample("vllm:num_requests_waiting_by_reason", "reason=\"deferred\"", 0);
        out.gauge("vllm:kv_cache_usage_perc", "Share of KV blocks in use, 0 to 1.", stats.kvCacheUsage());
        out.family("vllm:engine_sleep_state", "gauge", "Whether the engine sleeps; this one never does.")
                .sample("vllm:engine_sleep_state", "sleep_state=\"awake\"", 1)
                .sample("vllm:engine_sleep_state", "sleep_state=\"weights_offloaded\"", 0)
                .sample("vllm:engine_sleep_state", "sleep_state=\"discard_all\"", 0);
        out.family("vllm:cache_config_info", "gauge", "The KV cache's configuration, as labels.")
                .sample("vllm:cache_config_info", cache(stats), 1);
    }

    /** vLLM shows every field of its cache configuration; these are the ones this engine has. */
    private String cache(EngineStats stats) {
        long tokensInCache = (long) stats.totalBlocks() * stats.blockSize();
        return String.join(
                ",",
                PrometheusText.label("block_size", String.valueOf(stats.blockSize())),
                PrometheusText.label("num_gpu_blocks", String.valueOf(stats.totalBlocks())),
                PrometheusText.label("enable_prefix_caching", cachesPrefixes ? "True" : "False"),
                PrometheusText.label("kv_cache_size_tokens", String.valueOf(tokensInCache)),
                PrometheusText.label(
                        "kv_cache_max_concurrency",
                        String.format(Locale.ROOT, "%.2f", (double) tokensInCache / maxModelLen)));
    }

    private void counters(PrometheusText out, EngineStats stats) {
        out.counter("vllm:num_preemptions", "Times a sequence lost its blocks.", stats.preemptions());
        out.counter("vllm:prompt_tokens", "Prompt tokens prefilled.", stats.promptTokens());
        out.family("vllm:prompt_tokens_by_source_total", "counter", "Prompt tokens by where they came from.")
                .sample("vllm:prompt_tokens_by_source_total", "source=\"local_compute\"", stats.promptTokens())
                .sample("vllm:prompt_tokens_by_source_total", "source=\"local_cache_hit\"", stats.prefixCacheHits())
                .sample("vllm:prompt_tokens_by_source_total", "source=\"external_kv_transfer\"", 0);
        out.counter("vllm:prompt_tokens_cached", "Prompt tokens found in a cache.", stats.prefixCacheHits());
        out.counter("vllm:prefix_cache_queries", "Tokens looked up in the prefix cache.", stats.prefixCacheQueries());
        out.counter("vllm:prefix_cache_hits", "Tokens found in the prefix cache.", stats.prefixCacheHits());
        out.counter("vllm:spec_decode_num_drafts", "Drafts that a step computed.", stats.drafts());
        out.counter("vllm:spec_decode_num_draft_tokens", "Tokens of these drafts.", stats.draftTokens());
        out.counter("vllm:spec_decode_num_accepted_tokens", "Tokens of these accepted.", stats.acceptedDraftTokens());
        out.counter("vllm:generation_tokens", "Tokens generated.", stats.generatedTokens());
        out.family("vllm:request_success_total", "counter", "Requests finished, by reason.");
        finished.forEach((reason, count) -> out.sample(
                "vllm:request_success_total",
                PrometheusText.label("finished_reason", reason.name().toLowerCase(Locale.ROOT)),
                count.sum()));
        out.sample("vllm:request_success_total", "finished_reason=\"repetition\"", 0);
    }

    private void histograms(PrometheusText out) {
        out.histogram("vllm:iteration_tokens_total", "Tokens computed per step.", iterationTokens);
        out.histogram("vllm:time_to_first_token_seconds", "Arrival to first token.", timeToFirstToken);
        out.histogram("vllm:inter_token_latency_seconds", "Token to token.", interToken);
        out.histogram("vllm:request_time_per_output_token_seconds", "Decode time per later token.", timePerOutputToken);
        out.histogram("vllm:e2e_request_latency_seconds", "Arrival to end.", e2e);
        out.histogram("vllm:request_queue_time_seconds", "Queued to first scheduled.", queue);
        out.histogram("vllm:request_inference_time_seconds", "First scheduled to last token.", inference);
        out.histogram("vllm:request_prefill_time_seconds", "First scheduled to first token.", prefill);
        out.histogram("vllm:request_decode_time_seconds", "First to last token.", decode);
        TokenHistograms counts = tokens;
        out.histogram("vllm:request_prompt_tokens", "Prompt tokens per request.", counts.prompt());
        out.histogram("vllm:request_generation_tokens", "Generated tokens per request.", counts.generation());
        out.histogram(
                "vllm:request_max_num_generation_tokens",
                "Most generated tokens among the n of a request.",
                counts.maxGeneration());
        out.histogram("vllm:request_params_max_tokens", "max_tokens in force per request.", counts.maxTokens());
        out.histogram("vllm:request_params_n", "n per request.", paramsN);
        out.histogram(
                "vllm:request_prefill_kv_computed_tokens", "Prompt tokens computed, not cached.", counts.computed());
    }
}
