package dev.spandrel.server.telemetry;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.OutputConstraint;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.server.openai.EndedEmbedding;
import dev.spandrel.server.openai.EndedGeneration;
import dev.spandrel.server.openai.RefusedRequest;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Puts what is known of an ended generation onto its span, under the names that were asked for. */
final class RequestAttributes {
    /** Characters; messages quote what a client sent. */
    private static final int MESSAGE_LIMIT = 512;

    private final TraceSettings settings;
    private final AttributeStyle style;

    RequestAttributes(TraceSettings settings) {
        this.settings = settings;
        this.style = settings.attributes();
    }

    /** All of them. */
    void set(Span span, EndedGeneration generation, long endNanos) {
        usage(span, generation);
        request(span, generation);
        latencies(span, generation, endNanos);
        details(span, generation);
        outcome(span, generation);
    }

    /** All of an embedding: what there is without sampling and without output. */
    void set(Span span, EndedEmbedding embedding, long endNanos) {
        RequestTimings timings = embedding.timings();
        if (style.vllm()) {
            span.setAttribute(SpanKeys.REQUEST_ID, embedding.requestId());
            span.setAttribute(SpanKeys.PROMPT_TOKENS, (long) embedding.promptTokens());
            long finished = timings.finishedNanos() == RequestTimings.NOT_REACHED ? endNanos : timings.finishedNanos();
            between(span, SpanKeys.E2E, timings.arrivalNanos(), finished);
            boolean scheduled = timings.firstScheduledNanos() != RequestTimings.NOT_REACHED;
            between(
                    span,
                    SpanKeys.TIME_IN_QUEUE,
                    timings.queuedNanos(),
                    scheduled ? timings.firstScheduledNanos() : finished);
            between(span, SpanKeys.TIME_IN_PREFILL, timings.firstScheduledNanos(), finished);
            between(span, SpanKeys.TIME_IN_INFERENCE, timings.firstScheduledNanos(), finished);
        }
        if (style.genAi()) {
            span.setAttribute(SpanKeys.INPUT_TOKENS, (long) embedding.promptTokens());
            span.setAttribute(SpanKeys.ENCODING_FORMATS, List.of(embedding.encodingFormat()));
            span.setAttribute(SpanKeys.RESPONSE_ID, embedding.responseId());
            if (embedding.dimensions() > 0) {
                span.setAttribute(SpanKeys.EMBEDDING_DIMENSIONS, (long) embedding.dimensions());
            }
        }
        span.setAttribute(SpanKeys.RESPONSE_MODEL, embedding.responseModel());
        if (timings.preemptions() > 0) {
            span.setAttribute(SpanKeys.PREEMPTIONS, (long) timings.preemptions());
        }
        ended(span, List.of(embedding.reason()), embedding.failure());
    }

    private void usage(Span span, EndedGeneration generation) {
        if (style.vllm()) {
            span.setAttribute(SpanKeys.PROMPT_TOKENS, (long) generation.promptTokens());
            span.setAttribute(SpanKeys.COMPLETION_TOKENS, (long) generation.completionTokens());
            if (generation.beams() > 1) {
                span.setAttribute(SpanKeys.NUM_SEQUENCES, (long) generation.beams());
            }
        }
        if (style.genAi()) {
            span.setAttribute(SpanKeys.INPUT_TOKENS, (long) generation.promptTokens());
            span.setAttribute(SpanKeys.OUTPUT_TOKENS, (long) generation.completionTokens());
            if (generation.cachedTokens() > 0) {
                span.setAttribute(SpanKeys.CACHED_TOKENS, (long) generation.cachedTokens());
            }
        }
    }

    /** vLLM writes a parameter only where it is not zero, so greedy sampling has no temperature. */
    private void request(Span span, EndedGeneration generation) {
        if (generation.sampling().topP() != 0) {
            span.setAttribute(SpanKeys.TOP_P, generation.sampling().topP());
        }
        if (generation.sampling().maxTokens().orElse(0) != 0) {
            span.setAttribute(SpanKeys.MAX_TOKENS, (long)
                    generation.sampling().maxTokens().getAsInt());
        }
        if (generation.sampling().temperature() != 0) {
            span.setAttribute(SpanKeys.TEMPERATURE, generation.sampling().temperature());
        }
        if (style.vllm()) {
            span.setAttribute(SpanKeys.REQUEST_ID, generation.requestId());
            // Every engine request makes one sequence, but for a beam search, which is one request for n of them.
            span.setAttribute(SpanKeys.N, (long) generation.beams());
        }
        if (style.genAi()) {
            genAiRequest(span, generation);
        }
        ownRequest(span, generation.sampling());
    }

    private static boolean isJson(SamplingParams sampling) {
        return sampling.constraint()
                .filter(form ->
                        form instanceof OutputConstraint.JsonObject || form instanceof OutputConstraint.JsonSchema)
                .isPresent();
    }

    /** What neither page has a name for, where it has a say. */
    private static void ownRequest(Span span, SamplingParams sampling) {
        if (sampling.penalties().repetition() != 1) {
            span.setAttribute(SpanKeys.REPETITION_PENALTY, sampling.penalties().repetition());
        }
        if (sampling.minP() != 0) {
            span.setAttribute(SpanKeys.MIN_P, sampling.minP());
        }
        if (sampling.stopRules().minTokens() != 0) {
            span.setAttribute(SpanKeys.MIN_TOKENS, (long) sampling.stopRules().minTokens());
        }
    }

    private static void genAiRequest(Span span, EndedGeneration generation) {
        span.setAttribute(SpanKeys.OUTPUT_TYPE, isJson(generation.sampling()) ? "json" : "text");
        if (generation.choices() != 1) {
            span.setAttribute(SpanKeys.CHOICE_COUNT, (long) generation.choices());
        }
        if (generation.streamed()) {
            span.setAttribute(SpanKeys.STREAM, true);
        }
        if (generation.sampling().topK() > 0) {
            span.setAttribute(SpanKeys.TOP_K, (long) generation.sampling().topK());
        }
        if (generation.sampling().penalties().frequency() != 0) {
            span.setAttribute(
                    SpanKeys.FREQUENCY_PENALTY,
                    generation.sampling().penalties().frequency());
        }
        if (generation.sampling().penalties().presence() != 0) {
            span.setAttribute(
                    SpanKeys.PRESENCE_PENALTY, generation.sampling().penalties().presence());
        }
        generation.sampling().seed().ifPresent(seed -> span.setAttribute(SpanKeys.SEED, seed));
        if (!generation.sampling().stop().isEmpty()) {
            span.setAttribute(SpanKeys.STOP_SEQUENCES, generation.sampling().stop());
        }
    }

    private void latencies(Span span, EndedGeneration generation, long endNanos) {
        RequestTimings timings = generation.timings();
        long finished = timings.finishedNanos() == RequestTimings.NOT_REACHED ? endNanos : timings.finishedNanos();
        if (style.vllm()) {
            between(span, SpanKeys.TIME_TO_FIRST_TOKEN, timings.arrivalNanos(), timings.firstTokenNanos());
            between(span, SpanKeys.E2E, timings.arrivalNanos(), finished);
            boolean scheduled = timings.firstScheduledNanos() != RequestTimings.NOT_REACHED;
            between(
                    span,
                    SpanKeys.TIME_IN_QUEUE,
                    timings.queuedNanos(),
                    scheduled ? timings.firstScheduledNanos() : finished);
            between(span, SpanKeys.TIME_IN_PREFILL, timings.firstScheduledNanos(), timings.firstTokenNanos());
            between(span, SpanKeys.TIME_IN_DECODE, timings.firstTokenNanos(), timings.lastTokenNanos());
            between(span, SpanKeys.TIME_IN_INFERENCE, timings.firstScheduledNanos(), timings.lastTokenNanos());
        }
        if (style.genAi() && generation.streamed()) {
            between(
                    span,
                    SpanKeys.TIME_TO_FIRST_CHUNK,
                    timings.arrivalNanos(),
                    generation.answer().firstByteNanos());
        }
    }

    /** Every finished generation reached every point; what a cancelled one did not reach has no latency, not 0. */
    private static void between(Span span, AttributeKey<Double> key, long from, long to) {
        if (from != RequestTimings.NOT_REACHED && to != RequestTimings.NOT_REACHED) {
            span.setAttribute(key, RequestTimings.seconds(from, to));
        }
    }

    private void details(Span span, EndedGeneration generation) {
        if (settings.tells(DetailedTraces.MODEL)) {
            span.setAttribute(SpanKeys.TIME_IN_FORWARD, generation.phases().forwardNanos() / 1e9);
        }
        if (settings.tells(DetailedTraces.WORKER)) {
            span.setAttribute(SpanKeys.TIME_IN_EXECUTE, generation.phases().executeNanos() / 1e9);
            span.setAttribute(SpanKeys.TIME_IN_SCHEDULER, generation.phases().schedulerNanos() / 1e9);
        }
        if (generation.timings().preemptions() > 0) {
            span.setAttribute(SpanKeys.PREEMPTIONS, (long) generation.timings().preemptions());
        }
        if (generation.phases().truncated()) {
            span.setAttribute(SpanKeys.TRUNCATED, true);
        }
        if (generation.answer().blockedNanos() > 0) {
            span.setAttribute(SpanKeys.CLIENT_BLOCKED, generation.answer().blockedNanos() / 1e9);
        }
    }

    private void outcome(Span span, EndedGeneration generation) {
        if (style.genAi()) {
            span.setAttribute(SpanKeys.RESPONSE_ID, generation.responseId());
            span.setAttribute(
                    SpanKeys.FINISH_REASONS,
                    generation.reasons().stream()
                            .map(reason -> reason.name().toLowerCase(Locale.ROOT))
                            .toList());
        }
        span.setAttribute(SpanKeys.RESPONSE_MODEL, generation.responseModel());
        ended(span, generation.reasons(), generation.failure());
    }

    private static void ended(Span span, List<FinishReason> reasons, Optional<EngineException> failure) {
        if (reasons.contains(FinishReason.ERROR)) {
            String type = failure.map(e -> e.getClass().getName()).orElse("_OTHER");
            failed(span, type, failure.map(Throwable::getMessage).orElse("generation failed"));
        } else if (reasons.contains(FinishReason.ABORT)) {
            span.setAttribute(SpanKeys.ERROR_TYPE, "cancelled");
        }
    }

    /** Marks a span as failed by a fault of this server. */
    static void failed(Span span, String type, String message) {
        span.setAttribute(SpanKeys.ERROR_TYPE, type);
        span.setStatus(StatusCode.ERROR, message.substring(0, Math.min(message.length(), MESSAGE_LIMIT)));
    }

    /** Why a refused request has no answer: in one word, and in those the client got. */
    void refused(Span span, RefusedRequest refused) {
        String message = refused.message();
        span.setAttribute(SpanKeys.ERROR_MESSAGE, message.substring(0, Math.min(message.length(), MESSAGE_LIMIT)));
        if (style.vllm()) {
            span.setAttribute(SpanKeys.REQUEST_ID, refused.requestId());
        }
        if (style.genAi()) {
            span.setAttribute(SpanKeys.FINISH_REASONS, List.of("error"));
        }
    }
}
