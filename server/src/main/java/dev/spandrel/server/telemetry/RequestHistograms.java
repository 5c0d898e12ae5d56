package dev.spandrel.server.telemetry;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.server.openai.EndedEmbedding;
import dev.spandrel.server.openai.EndedGeneration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.LongStream;

/**
 * vLLM's histograms per request and per token, with its buckets. Latencies are differences of the engine's stamps, the very
 * ones that {@code llm_request} shows, and each latency keeps the trace of its bucket's latest value as exemplar, between
 * tokens of one a tenth of a second old at most.
 */
final class RequestHistograms {
    private static final double[] TIME_TO_FIRST_TOKEN = {
        .001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560
    };
    private static final double[] INTER_TOKEN = {
        .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80
    };
    private static final double[] REQUEST = {
        .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680
    };

    private final Histogram timeToFirstToken = new Histogram(TIME_TO_FIRST_TOKEN);
    private final Histogram interToken = new Histogram(INTER_TOKEN);
    private final Histogram timePerOutputToken = new Histogram(INTER_TOKEN);
    private final Histogram e2e = new Histogram(REQUEST);
    private final Histogram queue = new Histogram(REQUEST);
    private final Histogram inference = new Histogram(REQUEST);
    private final Histogram prefill = new Histogram(REQUEST);
    private final Histogram decode = new Histogram(REQUEST);
    private final Histogram paramsN = new Histogram(1, 2, 5, 10, 20);
    private final Histogram promptTokens;
    private final Histogram generationTokens;
    private final Histogram mostGenerationTokens;
    private final Histogram maxTokens;
    private final Histogram computedTokens;

    /** @param maxModelLen the buckets of token counts go up to it */
    RequestHistograms(int maxModelLen) {
        double[] bounds = oneTwoFive(maxModelLen);
        promptTokens = new Histogram(bounds);
        generationTokens = new Histogram(bounds);
        mostGenerationTokens = new Histogram(bounds);
        maxTokens = new Histogram(bounds);
        computedTokens = new Histogram(bounds);
    }

    /** 1, 2, 5, 10, 20, 50, … up to a limit. */
    static double[] oneTwoFive(int limit) {
        return LongStream.iterate(1, power -> power <= limit, power -> power * 10)
                .flatMap(power -> LongStream.of(power, 2 * power, 5 * power))
                .filter(bound -> bound <= limit)
                .asDoubleStream()
                .toArray();
    }

    /** Tokens as they come; of generations that are cancelled later too, since they were just as slow. */
    void tokens(Generation generation, int from, int count, Supplier<Optional<Exemplar.Source>> trace) {
        for (int i = from; i < from + count; i++) {
            if (i == 0) {
                long arrival = generation.timings().arrivalNanos();
                timeToFirstToken.observe(RequestTimings.seconds(arrival, generation.tokenNanos(0)), trace.get());
            } else {
                long nanos = generation.tokenNanos(i);
                interToken.observe(RequestTimings.seconds(generation.tokenNanos(i - 1), nanos), nanos, trace);
            }
        }
    }

    /** An embedding that is there; what has no tokens has no decoding. */
    void embedded(EndedEmbedding embedding, Optional<Exemplar.Source> trace) {
        RequestTimings timings = embedding.timings();
        double computed = RequestTimings.seconds(timings.firstScheduledNanos(), timings.finishedNanos());
        e2e.observe(RequestTimings.seconds(timings.arrivalNanos(), timings.finishedNanos()), trace);
        queue.observe(RequestTimings.seconds(timings.queuedNanos(), timings.firstScheduledNanos()), trace);
        inference.observe(computed, trace);
        prefill.observe(computed, trace);
        promptTokens.observe(embedding.promptTokens());
        computedTokens.observe(embedding.promptTokens());
    }

    static boolean isComplete(EndedGeneration generation) {
        return generation.reason() == FinishReason.STOP || generation.reason() == FinishReason.LENGTH;
    }

    /** All of one HTTP request, complete. */
    void perPrompt(List<EndedGeneration> generations) {
        int n = generations.getFirst().choices();
        int perPrompt = n / generations.getFirst().beams();
        for (int prompt = 0; prompt < generations.size(); prompt += perPrompt) {
            paramsN.observe(n);
            mostGenerationTokens.observe(generations.subList(prompt, prompt + perPrompt).stream()
                    .mapToInt(EndedGeneration::completionTokens)
                    .max()
                    .orElse(0));
        }
    }

    /** One that finished. */
    void completed(EndedGeneration generation, Optional<Exemplar.Source> trace) {
        latencies(generation, trace);
        promptTokens.observe(generation.promptTokens());
        computedTokens.observe(generation.promptTokens() - generation.cachedTokens());
        generationTokens.observe(generation.completionTokens());
        generation.sampling().maxTokens().ifPresent(maxTokens::observe);
    }

    private void latencies(EndedGeneration generation, Optional<Exemplar.Source> trace) {
        RequestTimings timings = generation.timings();
        double decoding = RequestTimings.seconds(timings.firstTokenNanos(), timings.lastTokenNanos());
        e2e.observe(RequestTimings.seconds(timings.arrivalNanos(), timings.finishedNanos()), trace);
        queue.observe(RequestTimings.seconds(timings.queuedNanos(), timings.firstScheduledNanos()), trace);
        inference.observe(RequestTimings.seconds(timings.firstScheduledNanos(), timings.lastTokenNanos()), trace);
        prefill.observe(RequestTimings.seconds(timings.firstScheduledNanos(), timings.firstTokenNanos()), trace);
        decode.observe(decoding, trace);
        int later = generation.completionTokens() - 1;
        timePerOutputToken.observe(later > 0 ? decoding / later : 0, trace);
    }

    void write(PrometheusText out) {
        out.histogram("vllm:time_to_first_token_seconds", "Arrival to first token.", timeToFirstToken);
        out.histogram("vllm:inter_token_latency_seconds", "Token to token.", interToken);
        out.histogram("vllm:request_time_per_output_token_seconds", "Decode time per later token.", timePerOutputToken);
        out.histogram("vllm:e2e_request_latency_seconds", "Arrival to end.", e2e);
        out.histogram("vllm:request_queue_time_seconds", "Queued to first scheduled.", queue);
        out.histogram("vllm:request_inference_time_seconds", "First scheduled to last token.", inference);
        out.histogram("vllm:request_prefill_time_seconds", "First scheduled to first token.", prefill);
        out.histogram("vllm:request_decode_time_seconds", "First to last token.", decode);
        out.histogram("vllm:request_prompt_tokens", "Prompt tokens per request.", promptTokens);
        out.histogram("vllm:request_generation_tokens", "Generated tokens per request.", generationTokens);
        out.histogram(
                "vllm:request_max_num_generation_tokens",
                "Most generated tokens among the n of a request.",
                mostGenerationTokens);
        out.histogram("vllm:request_params_max_tokens", "max_tokens in force per request.", maxTokens);
        out.histogram("vllm:request_params_n", "n per request.", paramsN);
        out.histogram("vllm:request_prefill_kv_computed_tokens", "Prompt tokens computed, not cached.", computedTokens);
    }
}
