package dev.spandrel.server.telemetry;

import dev.spandrel.engine.BlockLife;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.StepListener;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.server.openai.EndedEmbedding;
import dev.spandrel.server.openai.EndedGeneration;
import dev.spandrel.server.openai.GenerationListener;
import io.helidon.webserver.http.ServerRequest;
import io.opentelemetry.api.trace.SpanContext;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/**
 * vLLM's {@code vllm:*} metrics that apply to this engine, with its names, labels and buckets, so that its dashboards
 * work unchanged. Fed by the engine thread ({@link #onStep}) and by request threads, all without locks; gauges and token
 * counters are the engine's own, read when asked.
 */
public final class EngineMetrics implements StepListener, GenerationListener {
    private static final double[] ITERATION = {1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};

    private final InstantSource wall;
    private final double watchedBlocks;
    private final BlockHistograms blocks = new BlockHistograms();
    private final Histogram iterationTokens = new Histogram(ITERATION);
    private final Map<FinishReason, LongAdder> finished = new EnumMap<>(FinishReason.class);
    private final ToolMetrics tools = new ToolMetrics();
    private volatile RequestHistograms requests = new RequestHistograms(1);
    private volatile Optional<Telemetry> telemetry = Optional.empty();
    private volatile HttpMetrics http;
    private volatile Optional<AccessLog> accessLog = Optional.empty();
    private volatile CacheInfo cache = new CacheInfo(1, false, "auto", 0);

    /**
     * What the engine was told of its cache.
     *
     * @param maxModelLen longest prompt plus output in tokens
     * @param prefixCaching whether requests share beginnings
     * @param dType of keys and values, as the flag names it
     * @param draftTokens most tokens of a speculative draft; 0 = none
     */
    public record CacheInfo(int maxModelLen, boolean prefixCaching, String dType, int draftTokens) {}

    public EngineMetrics() {
        this(0);
    }

    /** @param watchedBlocks share of KV blocks whose lives are told of; 0 = no such metrics */
    public EngineMetrics(double watchedBlocks) {
        this(InstantSource.system(), watchedBlocks);
    }

    /** @param wall dates exemplars */
    EngineMetrics(InstantSource wall) {
        this(wall, 0);
    }

    private EngineMetrics(InstantSource wall, double watchedBlocks) {
        this.wall = wall;
        this.watchedBlocks = watchedBlocks;
        Arrays.stream(FinishReason.values()).forEach(reason -> finished.put(reason, new LongAdder()));
    }

    /** Tells of the engine; called once, when it is loaded and before the first request. */
    public void loaded(CacheInfo info) {
        cache = info;
        requests = new RequestHistograms(info.maxModelLen());
    }

    /** Traces are made: counts the spans that were lost, and lets exemplars point at them. */
    public void traced(Telemetry by) {
        telemetry = Optional.of(by);
    }

    /** Adds the metrics of the listener. */
    public void http(HttpMetrics metrics) {
        http = metrics;
    }

    /** Adds the counter of a log that may drop lines. */
    public void accessLog(AccessLog log) {
        accessLog = Optional.of(log);
    }

    @Override
    public void onStep(StepRecord step) {
        iterationTokens.observe(step.promptTokens() + (double) step.generatedTokens());
    }

    @Override
    public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
        for (EndedGeneration generation : generations) {
            generation.reasons().forEach(reason -> finished.get(reason).increment());
            tools.ended(generation);
            Optional<Exemplar.Source> trace = trace(request, generation.index());
            if (RequestHistograms.isComplete(generation)) {
                requests.completed(generation, trace);
            }
        }
        if (generations.stream().allMatch(RequestHistograms::isComplete)) {
            requests.perPrompt(generations);
        }
    }

    @Override
    public double watchedBlocks() {
        return watchedBlocks;
    }

    @Override
    public void onEvicted(BlockLife life) {
        blocks.evicted(life);
    }

    @Override
    public void onTokens(ServerRequest request, int index, Generation generation, int from, int count) {
        requests.tokens(generation, from, count, () -> trace(request, index));
    }

    @Override
    public void onEmbedded(ServerRequest request, List<EndedEmbedding> embeddings) {
        for (EndedEmbedding embedding : embeddings) {
            finished.get(embedding.reason()).increment();
            if (embedding.reason() == FinishReason.STOP) {
                requests.embedded(embedding, trace(request, embedding.index()));
            }
        }
    }

    /** The {@code llm_request} of a generation, where somebody will find it. */
    private Optional<Exemplar.Source> trace(ServerRequest request, int index) {
        return telemetry
                .filter(Telemetry::ownIds)
                .flatMap(_ -> request.context().get(ArrivedRequest.class))
                .map(arrived -> arrived.span(index))
                .filter(SpanContext::isSampled)
                .map(span -> new Exemplar.Source(
                        span.getTraceId(), span.getSpanId(), wall.instant().toEpochMilli() / 1e3));
    }

    /** All families. */
    void write(PrometheusText out, String modelName, EngineStats stats) {
        out.labels(PrometheusText.label("engine", "0") + "," + PrometheusText.label("model_name", modelName));
        gauges(out, stats);
        counters(out, stats);
        out.histogram("vllm:iteration_tokens_total", "Tokens computed per step.", iterationTokens);
        requests.write(out);
        if (watchedBlocks > 0) {
            blocks.write(out);
        }
        telemetry.ifPresent(by -> drops(out, by.drops()));
        tools.write(out, modelName);
        out.labels("");
        HttpMetrics ofListener = http;
        if (ofListener != null) {
            ofListener.write(out);
        }
        accessLog.ifPresent(log -> log.write(out));
        ProcessMetrics.write(out);
    }

    private static void drops(PrometheusText out, SpanDrops lost) {
        out.counters("otel_spans_dropped", "Spans that no backend will see.")
                .sample("otel_spans_dropped_total", "reason=\"queue_full\"", lost.queueFull())
                .sample("otel_spans_dropped_total", "reason=\"export_failed\"", lost.exportFailed())
                .sample("otel_spans_dropped_total", "reason=\"step_queue_full\"", lost.stepQueueFull());
    }

    private void gauges(PrometheusText out, EngineStats stats) {
        out.gauge("vllm:num_requests_running", "Requests in the running batch.", stats.running());
        out.gauge("vllm:num_requests_waiting", "Requests waiting, for whatever reason.", stats.waiting());
        String byReason = "vllm:num_requests_waiting_by_reason";
        out.family(byReason, "gauge", "Requests waiting: for room, or for the step under way to end (deferred).")
                .sample(byReason, "reason=\"capacity\"", stats.waiting() - stats.deferred())
                .sample(byReason, "reason=\"deferred\"", stats.deferred());
        out.gauge("vllm:kv_cache_usage_perc", "Share of KV blocks in use, 0 to 1.", stats.kvCacheUsage());
        out.family("vllm:engine_sleep_state", "gauge", "Whether the engine sleeps; this one never does.")
                .sample("vllm:engine_sleep_state", "sleep_state=\"awake\"", 1)
                .sample("vllm:engine_sleep_state", "sleep_state=\"weights_offloaded\"", 0)
                .sample("vllm:engine_sleep_state", "sleep_state=\"discard_all\"", 0);
        out.family("vllm:cache_config_info", "gauge", "The KV cache's configuration, as labels.")
                .sample("vllm:cache_config_info", cacheLabels(stats), 1);
    }

    /** vLLM shows every field of its cache configuration; these are the ones this engine has. */
    private String cacheLabels(EngineStats stats) {
        CacheInfo info = cache;
        long tokensInCache = (long) stats.totalBlocks() * stats.blockSize();
        return String.join(
                ",",
                PrometheusText.label("block_size", String.valueOf(stats.blockSize())),
                PrometheusText.label("cache_dtype", info.dType()),
                PrometheusText.label("num_gpu_blocks", String.valueOf(stats.totalBlocks())),
                PrometheusText.label("enable_prefix_caching", info.prefixCaching() ? "True" : "False"),
                PrometheusText.label("kv_cache_size_tokens", String.valueOf(tokensInCache)),
                PrometheusText.label(
                        "kv_cache_max_concurrency",
                        String.format(Locale.ROOT, "%.2f", (double) tokensInCache / info.maxModelLen())));
    }

    private void counters(PrometheusText out, EngineStats stats) {
        long cached = stats.cachedPromptTokens();
        out.counter("vllm:num_preemptions", "Times a sequence lost its blocks.", stats.preemptions());
        out.counter("vllm:prompt_tokens", "Prompt tokens prefilled, cached ones included.", stats.promptTokens());
        String bySource = "vllm:prompt_tokens_by_source";
        out.counters(bySource, "Prompt tokens by where they came from.")
                .sample(bySource + "_total", "source=\"local_compute\"", stats.promptTokens() - cached)
                .sample(bySource + "_total", "source=\"local_cache_hit\"", cached)
                .sample(bySource + "_total", "source=\"external_kv_transfer\"", 0);
        out.counter("vllm:prompt_tokens_cached", "Prompt tokens found in a cache.", cached);
        out.counter("vllm:prefix_cache_queries", "Tokens looked up in the prefix cache.", stats.prefixCacheQueries());
        out.counter("vllm:prefix_cache_hits", "Tokens found in the prefix cache.", stats.prefixCacheHits());
        out.counter("vllm:generation_tokens", "Tokens generated.", stats.generatedTokens());
        out.counters("vllm:request_success", "Requests finished, by reason.");
        finished.forEach((reason, count) -> out.sample(
                "vllm:request_success_total",
                PrometheusText.label("finished_reason", reason.name().toLowerCase(Locale.ROOT)),
                count.sum()));
        out.sample("vllm:request_success_total", "finished_reason=\"repetition\"", 0);
        if (cache.draftTokens() > 0) {
            speculation(out, stats);
        }
    }

    private void speculation(PrometheusText out, EngineStats stats) {
        out.counter("vllm:spec_decode_num_drafts", "Drafts that a step computed.", stats.drafts());
        out.counter("vllm:spec_decode_num_draft_tokens", "Tokens of these drafts.", stats.draftTokens());
        out.counter("vllm:spec_decode_num_accepted_tokens", "Tokens of these accepted.", stats.acceptedDraftTokens());
        String perPosition = "vllm:spec_decode_num_accepted_tokens_per_pos";
        out.counters(perPosition, "Accepted tokens by position in the draft.");
        List<Long> accepted = stats.acceptedPerPosition();
        for (int position = 0; position < cache.draftTokens(); position++) {
            out.sample(
                    perPosition + "_total",
                    PrometheusText.label("position", String.valueOf(position)),
                    position < accepted.size() ? accepted.get(position) : 0);
        }
    }
}
