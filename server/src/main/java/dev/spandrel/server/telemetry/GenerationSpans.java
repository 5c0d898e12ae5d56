package dev.spandrel.server.telemetry;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.server.openai.EndedGeneration;
import dev.spandrel.server.openai.GenerationListener;
import io.helidon.webserver.http.ServerRequest;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Makes {@code llm_request}, vLLM's span of one engine request, from the engine's stamps after the last byte: kind SERVER,
 * from arrival to end, with vLLM's attributes under vLLM's names and today's OpenTelemetry GenAI names beside them. What
 * vLLM leaves without a span, cancelled and failed generations, has one here. Runs on the thread of the HTTP request.
 */
public final class GenerationSpans implements GenerationListener {
    static final String NAME = "llm_request";

    // vLLM's keys. The last one is set by its older engine only, and backends show it.
    static final AttributeKey<Double> TIME_TO_FIRST_TOKEN =
            AttributeKey.doubleKey("gen_ai.latency.time_to_first_token");
    static final AttributeKey<Double> E2E = AttributeKey.doubleKey("gen_ai.latency.e2e");
    static final AttributeKey<Double> TIME_IN_QUEUE = AttributeKey.doubleKey("gen_ai.latency.time_in_queue");
    static final AttributeKey<Double> TIME_IN_PREFILL = AttributeKey.doubleKey("gen_ai.latency.time_in_model_prefill");
    static final AttributeKey<Double> TIME_IN_DECODE = AttributeKey.doubleKey("gen_ai.latency.time_in_model_decode");
    static final AttributeKey<Double> TIME_IN_INFERENCE =
            AttributeKey.doubleKey("gen_ai.latency.time_in_model_inference");
    static final AttributeKey<Long> PROMPT_TOKENS = AttributeKey.longKey("gen_ai.usage.prompt_tokens");
    static final AttributeKey<Long> COMPLETION_TOKENS = AttributeKey.longKey("gen_ai.usage.completion_tokens");
    static final AttributeKey<String> REQUEST_ID = AttributeKey.stringKey("gen_ai.request.id");
    static final AttributeKey<Double> TOP_P = AttributeKey.doubleKey("gen_ai.request.top_p");
    static final AttributeKey<Long> MAX_TOKENS = AttributeKey.longKey("gen_ai.request.max_tokens");
    static final AttributeKey<Double> TEMPERATURE = AttributeKey.doubleKey("gen_ai.request.temperature");
    static final AttributeKey<Long> N = AttributeKey.longKey("gen_ai.request.n");
    static final AttributeKey<String> RESPONSE_MODEL = AttributeKey.stringKey("gen_ai.response.model");

    // OpenTelemetry's GenAI conventions, v1.42.0-dev; the Java constants are deprecated since the move of the
    // repository.
    static final AttributeKey<String> OPERATION = AttributeKey.stringKey("gen_ai.operation.name");
    static final AttributeKey<String> PROVIDER = AttributeKey.stringKey("gen_ai.provider.name");
    static final AttributeKey<String> REQUEST_MODEL = AttributeKey.stringKey("gen_ai.request.model");
    static final AttributeKey<Long> INPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.input_tokens");
    static final AttributeKey<Long> OUTPUT_TOKENS = AttributeKey.longKey("gen_ai.usage.output_tokens");
    static final AttributeKey<Long> CACHED_TOKENS = AttributeKey.longKey("gen_ai.usage.cache_read.input_tokens");
    static final AttributeKey<String> RESPONSE_ID = AttributeKey.stringKey("gen_ai.response.id");
    static final AttributeKey<List<String>> FINISH_REASONS =
            AttributeKey.stringArrayKey("gen_ai.response.finish_reasons");
    static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");

    private static final String PROVIDER_NAME = "spandrel";

    private final Tracer tracer;
    private final InstantSource wall;
    private final LongSupplier nanoClock;

    /** Spans by this telemetry; clocks as the engine's. */
    public GenerationSpans(Telemetry telemetry, InstantSource wall, LongSupplier nanoClock) {
        this.tracer = telemetry.tracer();
        this.wall = wall;
        this.nanoClock = nanoClock;
    }

    @Override
    public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
        RequestSpan http = request.context().get(RequestSpan.class).orElse(null);
        ClockAnchor anchor = http == null ? ClockAnchor.take(wall, nanoClock) : http.anchor();
        Context parent = http == null ? RequestHeaders.context(request.headers()) : http.context();
        generations.forEach(generation -> record(generation, parent, anchor));
    }

    private void record(EndedGeneration generation, Context parent, ClockAnchor anchor) {
        RequestTimings timings = generation.timings();
        Span span = start(generation, parent)
                .setStartTimestamp(anchor.epochNanosAt(timings.arrivalNanos()), TimeUnit.NANOSECONDS)
                .startSpan();
        if (span.isRecording()) {
            usage(span, generation);
            request(span, generation);
            latencies(span, timings);
            outcome(span, generation);
        }
        span.end(anchor.epochNanosAt(endNanos(timings)), TimeUnit.NANOSECONDS);
    }

    /** Operation, provider and model are there at the start, where a sampler can see them. */
    private SpanBuilder start(EndedGeneration generation, Context parent) {
        return tracer.spanBuilder(NAME)
                .setParent(parent)
                .setSpanKind(SpanKind.SERVER)
                .setAttribute(OPERATION, generation.operation())
                .setAttribute(PROVIDER, PROVIDER_NAME)
                .setAttribute(REQUEST_MODEL, generation.requestModel());
    }

    private long endNanos(RequestTimings timings) {
        return timings.finishedNanos() == RequestTimings.NOT_REACHED ? nanoClock.getAsLong() : timings.finishedNanos();
    }

    private static void usage(Span span, EndedGeneration generation) {
        span.setAttribute(PROMPT_TOKENS, (long) generation.promptTokens());
        span.setAttribute(COMPLETION_TOKENS, (long) generation.completionTokens());
        span.setAttribute(INPUT_TOKENS, (long) generation.promptTokens());
        span.setAttribute(OUTPUT_TOKENS, (long) generation.completionTokens());
        if (generation.cachedTokens() > 0) {
            span.setAttribute(CACHED_TOKENS, (long) generation.cachedTokens());
        }
    }

    /** vLLM writes a parameter only where it is not zero, so greedy sampling has no temperature. */
    private static void request(Span span, EndedGeneration generation) {
        span.setAttribute(REQUEST_ID, generation.requestId());
        if (generation.sampling().topP() != 0) {
            span.setAttribute(TOP_P, generation.sampling().topP());
        }
        if (generation.sampling().maxTokens().orElse(0) != 0) {
            span.setAttribute(
                    MAX_TOKENS, (long) generation.sampling().maxTokens().getAsInt());
        }
        if (generation.sampling().temperature() != 0) {
            span.setAttribute(TEMPERATURE, generation.sampling().temperature());
        }
        // Every engine request makes one sequence; the n of the HTTP request is the number of spans.
        span.setAttribute(N, 1L);
    }

    private void latencies(Span span, RequestTimings timings) {
        long end = endNanos(timings);
        between(span, TIME_TO_FIRST_TOKEN, timings.arrivalNanos(), timings.firstTokenNanos());
        between(span, E2E, timings.arrivalNanos(), end);
        boolean scheduled = timings.firstScheduledNanos() != RequestTimings.NOT_REACHED;
        between(span, TIME_IN_QUEUE, timings.queuedNanos(), scheduled ? timings.firstScheduledNanos() : end);
        between(span, TIME_IN_PREFILL, timings.firstScheduledNanos(), timings.firstTokenNanos());
        between(span, TIME_IN_DECODE, timings.firstTokenNanos(), timings.lastTokenNanos());
        between(span, TIME_IN_INFERENCE, timings.firstScheduledNanos(), timings.lastTokenNanos());
    }

    /** Every finished generation reached every point; what a cancelled one did not reach has no latency, not 0. */
    private static void between(Span span, AttributeKey<Double> key, long from, long to) {
        if (from != RequestTimings.NOT_REACHED && to != RequestTimings.NOT_REACHED) {
            span.setAttribute(key, RequestTimings.seconds(from, to));
        }
    }

    private static void outcome(Span span, EndedGeneration generation) {
        span.setAttribute(RESPONSE_MODEL, generation.responseModel());
        span.setAttribute(RESPONSE_ID, generation.responseId());
        span.setAttribute(FINISH_REASONS, List.of(generation.reason().name().toLowerCase(Locale.ROOT)));
        if (generation.reason() == FinishReason.ABORT) {
            span.setAttribute(ERROR_TYPE, "cancelled");
        }
        if (generation.reason() == FinishReason.ERROR) {
            span.setAttribute(
                    ERROR_TYPE,
                    generation.failure().map(e -> e.getClass().getName()).orElse("_OTHER"));
            span.setStatus(
                    StatusCode.ERROR,
                    generation.failure().map(Throwable::getMessage).orElse("generation failed"));
        }
    }
}
