package dev.spandrel.server.telemetry;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.server.openai.EndedEmbedding;
import dev.spandrel.server.openai.EndedGeneration;
import dev.spandrel.server.openai.GenerationListener;
import io.helidon.webserver.http.ServerRequest;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.context.Context;
import java.util.List;

/**
 * The server metrics of the GenAI conventions (gen-ai-metrics.md, v1.42.0-dev) with its boundaries, for push over OTLP; the
 * {@code vllm:*} metrics are {@link EngineMetrics}'. Each measurement is made in the context of its {@code llm_request}, so
 * exemplars point at it.
 */
public final class ServerMetrics implements GenerationListener {
    private static final List<Double> DURATION =
            List.of(.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);
    private static final List<Double> FIRST_TOKEN =
            List.of(.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1., 2.5, 5., 7.5, 10.);
    private static final List<Double> PER_TOKEN = List.of(.01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1., 2.5);

    private final DoubleHistogram duration;
    private final DoubleHistogram firstToken;
    private final DoubleHistogram perToken;

    /** Metrics by this telemetry, gauges of this engine among them. */
    public ServerMetrics(Telemetry telemetry, Engine engine) {
        Meter meter = telemetry.meter();
        duration = histogram(meter, "gen_ai.server.request.duration", "Request to last token.", DURATION);
        firstToken = histogram(meter, "gen_ai.server.time_to_first_token", "Queue and prefill.", FIRST_TOKEN);
        perToken = histogram(meter, "gen_ai.server.time_per_output_token", "After the first token.", PER_TOKEN);
        meter.gaugeBuilder("spandrel.engine.requests.running")
                .ofLongs()
                .setUnit("{request}")
                .buildWithCallback(out -> out.record(engine.stats().running()));
        meter.gaugeBuilder("spandrel.engine.requests.waiting")
                .ofLongs()
                .setUnit("{request}")
                .buildWithCallback(out -> out.record(engine.stats().waiting()));
        meter.counterBuilder("spandrel.engine.tokens.prompt")
                .setUnit("{token}")
                .buildWithCallback(out -> out.record(engine.stats().promptTokens()));
        meter.counterBuilder("spandrel.engine.tokens.generated")
                .setUnit("{token}")
                .buildWithCallback(out -> out.record(engine.stats().generatedTokens()));
        meter.gaugeBuilder("spandrel.engine.kv_cache.usage")
                .setUnit("1")
                .buildWithCallback(out -> out.record(engine.stats().kvCacheUsage()));
    }

    private static DoubleHistogram histogram(Meter meter, String name, String text, List<Double> bounds) {
        return meter.histogramBuilder(name)
                .setUnit("s")
                .setDescription(text)
                .setExplicitBucketBoundariesAdvice(bounds)
                .build();
    }

    @Override
    public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
        ArrivedRequest arrived = request.context().get(ArrivedRequest.class).orElse(null);
        for (EndedGeneration generation : generations) {
            SpanContext span = arrived == null ? SpanContext.getInvalid() : arrived.span(generation.index());
            observe(generation, ServerAddress.arrived(request), Context.root().with(Span.wrap(span)));
        }
    }

    @Override
    public void onEmbedded(ServerRequest request, List<EndedEmbedding> embeddings) {
        ArrivedRequest arrived = request.context().get(ArrivedRequest.class).orElse(null);
        for (EndedEmbedding embedding : embeddings) {
            SpanContext span = arrived == null ? SpanContext.getInvalid() : arrived.span(embedding.index());
            AttributesBuilder attributes = attributes(
                    EndedEmbedding.OPERATION,
                    embedding.requestModel(),
                    embedding.responseModel(),
                    ServerAddress.arrived(request));
            failed(attributes, embedding.reason());
            RequestTimings timings = embedding.timings();
            duration.record(
                    RequestTimings.seconds(timings.arrivalNanos(), timings.finishedNanos()),
                    attributes.build(),
                    Context.root().with(Span.wrap(span)));
        }
    }

    private static AttributesBuilder attributes(
            String operation, String requestModel, String responseModel, ServerAddress server) {
        return Attributes.builder()
                .put(SpanKeys.OPERATION, operation)
                .put(SpanKeys.PROVIDER, GenerationSpans.PROVIDER_NAME)
                .put(SpanKeys.REQUEST_MODEL, requestModel)
                .put(SpanKeys.RESPONSE_MODEL, responseModel)
                .put(SpanKeys.SERVER_ADDRESS, server.address())
                .put(SpanKeys.SERVER_PORT, server.port());
    }

    private static boolean failed(AttributesBuilder attributes, FinishReason reason) {
        boolean failed = reason == FinishReason.ERROR || reason == FinishReason.ABORT;
        if (failed) {
            attributes.put(SpanKeys.ERROR_TYPE, reason == FinishReason.ABORT ? "cancelled" : "_OTHER");
        }
        return failed;
    }

    private void observe(EndedGeneration generation, ServerAddress server, Context context) {
        RequestTimings timings = generation.timings();
        AttributesBuilder attributes =
                attributes(generation.operation(), generation.requestModel(), generation.responseModel(), server);
        boolean failed = failed(attributes, generation.reason());
        Attributes labels = attributes.build();
        double seconds = RequestTimings.seconds(timings.arrivalNanos(), timings.finishedNanos());
        duration.record(seconds, labels, context);
        if (!failed) {
            double first = RequestTimings.seconds(timings.queuedNanos(), timings.firstTokenNanos());
            firstToken.record(first, labels, context);
            int later = generation.tokenNanos().size() - 1;
            if (later > 0) {
                perToken.record(
                        RequestTimings.seconds(timings.firstTokenNanos(), timings.lastTokenNanos()) / later,
                        labels,
                        context);
            }
        }
    }
}
