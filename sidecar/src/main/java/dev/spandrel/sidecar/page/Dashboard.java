package dev.spandrel.sidecar.page;

import dev.spandrel.sidecar.otlp.MalformedTelemetryException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What the strip above the list shows, from the metrics that pass: the last minutes of a few numbers, summed over all
 * servers that still tell of themselves. Under Spandrel's names and under vLLM's. Safe for any thread.
 */
final class Dashboard {
    /** Five minutes at a metric interval of a second. */
    private static final int MAX_SAMPLES = 300;

    /** Samples of several servers within this time are one. */
    private static final long MERGE_MILLIS = 400;

    /** A server that has said nothing for so long is gone; twice the usual metric interval of a minute. */
    private static final long STALE_MILLIS = 120_000;

    private static final int MAX_SERIES = 256;

    private enum Figure {
        RUNNING,
        WAITING,
        KV_USAGE,
        PROMPT_TOKENS,
        GENERATED_TOKENS,
        FIRST_TOKEN
    }

    private static final Map<String, Figure> NAMES = Map.ofEntries(
            Map.entry("spandrel.engine.requests.running", Figure.RUNNING),
            Map.entry("vllm:num_requests_running", Figure.RUNNING),
            Map.entry("spandrel.engine.requests.waiting", Figure.WAITING),
            Map.entry("vllm:num_requests_waiting", Figure.WAITING),
            Map.entry("spandrel.engine.kv_cache.usage", Figure.KV_USAGE),
            Map.entry("vllm:kv_cache_usage_perc", Figure.KV_USAGE),
            Map.entry("spandrel.engine.tokens.prompt", Figure.PROMPT_TOKENS),
            Map.entry("vllm:prompt_tokens", Figure.PROMPT_TOKENS),
            Map.entry("vllm:prompt_tokens_total", Figure.PROMPT_TOKENS),
            Map.entry("spandrel.engine.tokens.generated", Figure.GENERATED_TOKENS),
            Map.entry("vllm:generation_tokens", Figure.GENERATED_TOKENS),
            Map.entry("vllm:generation_tokens_total", Figure.GENERATED_TOKENS),
            Map.entry("gen_ai.server.time_to_first_token", Figure.FIRST_TOKEN),
            Map.entry("vllm:time_to_first_token_seconds", Figure.FIRST_TOKEN));

    /**
     * The numbers at one time.
     *
     * @param time milliseconds since 1970
     * @param kvUsage 0 to 1, of the fullest server
     * @param promptRate prompt tokens per second since the sample before
     * @param tokenRate generated tokens per second since the sample before
     */
    record Sample(long time, double running, double waiting, double kvUsage, double promptRate, double tokenRate) {}

    /** Times to first token since the servers' start, in buckets of seconds. */
    record FirstToken(double[] bounds, long[] counts) {}

    /** Everything the strip needs. */
    record View(List<Sample> samples, FirstToken firstToken) {}

    private record Series(Figure figure, String name, long source) {}

    private static final class Last {
        private double value;
        private double[] bounds = {};
        private long[] counts = {};
        private long millis;
    }

    private final LinkedHashMap<Series, Last> series = new LinkedHashMap<>();
    private final Deque<Sample> samples = new ArrayDeque<>();
    private final Map<Figure, Double> growth = new EnumMap<>(Figure.class);

    /**
     * Takes a request of metrics.
     *
     * @return whether something to show was in it
     */
    synchronized boolean accept(byte[] request, long nowMillis) throws MalformedTelemetryException {
        List<MetricPoint> points = MetricsDecoder.decode(request, NAMES::containsKey);
        if (points.isEmpty()) {
            return false;
        }
        points.forEach(point -> take(point, nowMillis));
        series.values().removeIf(last -> nowMillis - last.millis > STALE_MILLIS);
        sample(nowMillis);
        return true;
    }

    private void take(MetricPoint point, long nowMillis) {
        Series key = new Series(NAMES.get(point.name()), point.name(), point.source());
        boolean first = !series.containsKey(key);
        Last last = series.computeIfAbsent(key, _ -> new Last());
        if (series.size() > MAX_SERIES) {
            series.pollFirstEntry();
        }
        double value = point.delta() ? last.value + point.value() : point.value();
        // what a counter has when it is first seen was counted before
        double grown = first && !point.delta() ? 0 : Math.max(0, value - last.value);
        growth.merge(key.figure(), grown, Double::sum);
        last.counts = point.delta() && Arrays.equals(last.bounds, point.bounds())
                ? sum(last.counts, point.counts())
                : point.counts();
        last.bounds = point.bounds();
        last.value = value;
        last.millis = nowMillis;
    }

    private void sample(long nowMillis) {
        Sample previous = samples.peekLast();
        if (previous != null && nowMillis - previous.time() < MERGE_MILLIS) {
            samples.removeLast();
            samples.addLast(new Sample(
                    previous.time(),
                    total(Figure.RUNNING),
                    total(Figure.WAITING),
                    most(Figure.KV_USAGE),
                    previous.promptRate(),
                    previous.tokenRate()));
            return;
        }
        double seconds = previous == null ? Double.POSITIVE_INFINITY : (nowMillis - previous.time()) / 1e3;
        samples.addLast(new Sample(
                nowMillis,
                total(Figure.RUNNING),
                total(Figure.WAITING),
                most(Figure.KV_USAGE),
                growth.getOrDefault(Figure.PROMPT_TOKENS, 0.) / seconds,
                growth.getOrDefault(Figure.GENERATED_TOKENS, 0.) / seconds));
        growth.clear();
        if (samples.size() > MAX_SAMPLES) {
            samples.removeFirst();
        }
    }

    private double total(Figure figure) {
        return series.entrySet().stream()
                .filter(entry -> entry.getKey().figure() == figure)
                .mapToDouble(entry -> entry.getValue().value)
                .sum();
    }

    private double most(Figure figure) {
        return series.entrySet().stream()
                .filter(entry -> entry.getKey().figure() == figure)
                .mapToDouble(entry -> entry.getValue().value)
                .max()
                .orElse(0);
    }

    /** All of it. */
    synchronized View view() {
        return new View(List.copyOf(samples), firstToken());
    }

    /** The newest sample alone, and the histogram. */
    synchronized View latest() {
        return new View(samples.isEmpty() ? List.of() : List.of(samples.getLast()), firstToken());
    }

    /** Of servers with the same buckets, which is all of one kind, the sum; the most numerous kind where there are several. */
    private FirstToken firstToken() {
        Map<List<Double>, long[]> byBounds = new HashMap<>();
        series.forEach((key, last) -> {
            if (key.figure() == Figure.FIRST_TOKEN && last.counts.length > 0) {
                List<Double> bounds = Arrays.stream(last.bounds).boxed().collect(Collectors.toList());
                byBounds.merge(bounds, last.counts, Dashboard::sum);
            }
        });
        return byBounds.entrySet().stream()
                .max((a, b) -> Long.compare(
                        Arrays.stream(a.getValue()).sum(),
                        Arrays.stream(b.getValue()).sum()))
                .map(entry -> new FirstToken(
                        entry.getKey().stream().mapToDouble(Double::doubleValue).toArray(), entry.getValue()))
                .orElse(new FirstToken(new double[0], new long[0]));
    }

    private static long[] sum(long[] a, long[] b) {
        long[] sum = a.clone();
        for (int i = 0; i < sum.length; i++) {
            sum[i] += b[i];
        }
        return sum;
    }
}
