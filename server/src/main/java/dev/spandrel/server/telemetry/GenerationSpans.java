package dev.spandrel.server.telemetry;

import dev.spandrel.engine.RequestTimings;
import dev.spandrel.server.http.WriteWatchdog.Blocked;
import dev.spandrel.server.openai.EndedEmbedding;
import dev.spandrel.server.openai.EndedGeneration;
import dev.spandrel.server.openai.GenerationListener;
import dev.spandrel.server.openai.RefusedRequest;
import dev.spandrel.server.openai.SessionId;
import io.helidon.webserver.http.ServerRequest;
import io.opentelemetry.api.baggage.Baggage;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Makes {@code llm_request}, vLLM's span of one engine request, from the engine's stamps after the last byte: kind SERVER,
 * from arrival to last byte, under ids drawn at arrival. What vLLM leaves without a span, refused, cancelled and failed
 * requests, has one here. What a request ends with is taken on its thread, the spans are made by {@link Telemetry#later}.
 */
public final class GenerationSpans implements GenerationListener {
    static final String NAME = "llm_request";

    static final String PROVIDER_NAME = "spandrel";
    private static final String CLIENT_BLOCKED = "client_blocked";

    /** What spans need of an HTTP request, which is gone when they are made. */
    private record Sender(ServerAddress address, Optional<SessionId> session) {
        static Sender of(ServerRequest request) {
            return new Sender(ServerAddress.arrived(request), request.context().get(SessionId.class));
        }
    }

    private final Telemetry telemetry;
    private final Tracer tracer;
    private final TraceSettings settings;
    private final RequestAttributes attributes;
    private final PhaseSpans phases;
    private final InstantSource wall;
    private final LongSupplier nanoClock;

    /** Spans by this telemetry; clocks as the engine's. */
    public GenerationSpans(Telemetry telemetry, TraceSettings settings, InstantSource wall, LongSupplier nanoClock) {
        this.telemetry = telemetry;
        this.tracer = telemetry.tracer();
        this.settings = settings;
        this.attributes = new RequestAttributes(settings);
        this.phases = new PhaseSpans(tracer, settings.tokenInterval());
        this.wall = wall;
        this.nanoClock = nanoClock;
    }

    @Override
    public void onArrival(ServerRequest request) {
        arrived(request);
        ServerAddress.arrived(request);
    }

    private ArrivedRequest arrived(ServerRequest request) {
        return request.context().get(ArrivedRequest.class).orElseGet(() -> {
            Optional<RequestSpan> http = request.context().get(RequestSpan.class);
            ArrivedRequest arrived = new ArrivedRequest(
                    http.map(RequestSpan::context).orElseGet(() -> parent(request)),
                    http.map(RequestSpan::anchor).orElseGet(() -> ClockAnchor.take(wall, nanoClock)),
                    telemetry.ids());
            request.context().register(arrived);
            return arrived;
        });
    }

    /** An agent's HTTP span where there is one, else what the client sent. */
    private Context parent(ServerRequest request) {
        Context around = Context.current();
        return Span.fromContext(around).getSpanContext().isValid() ? around : telemetry.context(request.headers());
    }

    /** The ids of its span, for the steps it will be in. */
    @Override
    public Object correlation(ServerRequest request, int index) {
        return telemetry.ownIds() ? arrived(request).span(index) : null;
    }

    @Override
    public boolean wantsContent() {
        return settings.contentLimit() > 0;
    }

    @Override
    public void onEnd(ServerRequest request, List<EndedGeneration> generations) {
        ArrivedRequest arrived = arrived(request);
        Sender sender = Sender.of(request);
        long now = nanoClock.getAsLong();
        telemetry.later(() -> generations.forEach(generation -> record(sender, generation, arrived, now)));
    }

    private void record(Sender sender, EndedGeneration generation, ArrivedRequest arrived, long now) {
        ClockAnchor anchor = arrived.anchor();
        // The last byte; where none was written, when the engine was done with it.
        long end = Math.max(
                endNanos(generation.timings(), now), generation.answer().lastByteNanos());
        SpanBuilder builder = start(sender, generation.operation(), generation.requestModel(), arrived)
                .setStartTimestamp(anchor.epochNanosAt(generation.timings().arrivalNanos()), TimeUnit.NANOSECONDS);
        Span span = SpanIds.start(builder, arrived.span(generation.index()));
        if (span.isRecording()) {
            attributes.set(span, generation, end);
            generation.content().ifPresent(content -> MessageContent.set(span, content, generation, settings));
            generation.answer().blocked().forEach(write -> blocked(span, write, anchor));
            if (settings.tells(DetailedTraces.REQUEST)) {
                phases.record(arrived.parent().with(span), generation, anchor, end);
            }
        }
        span.end(anchor.epochNanosAt(end), TimeUnit.NANOSECONDS);
    }

    @Override
    public void onEmbedded(ServerRequest request, List<EndedEmbedding> embeddings) {
        ArrivedRequest arrived = arrived(request);
        Sender sender = Sender.of(request);
        long now = nanoClock.getAsLong();
        telemetry.later(() -> embeddings.forEach(embedding -> record(sender, embedding, arrived, now)));
    }

    private void record(Sender sender, EndedEmbedding embedding, ArrivedRequest arrived, long now) {
        ClockAnchor anchor = arrived.anchor();
        long end = Math.max(endNanos(embedding.timings(), now), embedding.lastByteNanos());
        SpanBuilder builder = start(sender, EndedEmbedding.OPERATION, embedding.requestModel(), arrived)
                .setStartTimestamp(anchor.epochNanosAt(embedding.timings().arrivalNanos()), TimeUnit.NANOSECONDS);
        Span span = SpanIds.start(builder, arrived.span(embedding.index()));
        if (span.isRecording()) {
            attributes.set(span, embedding, end);
            if (settings.tells(DetailedTraces.REQUEST)) {
                phases.record(arrived.parent().with(span), embedding, anchor, end);
            }
        }
        span.end(anchor.epochNanosAt(end), TimeUnit.NANOSECONDS);
    }

    private static long endNanos(RequestTimings timings, long now) {
        return timings.finishedNanos() == RequestTimings.NOT_REACHED ? now : timings.finishedNanos();
    }

    private static void blocked(Span span, Blocked write, ClockAnchor anchor) {
        span.addEvent(
                CLIENT_BLOCKED,
                Attributes.of(SpanKeys.CLIENT_BLOCKED, write.nanos() / 1e9),
                anchor.epochNanosAt(write.startNanos()),
                TimeUnit.NANOSECONDS);
    }

    /** Operation, provider, model, conversation and server are there at the start, where a sampler can see them. */
    private SpanBuilder start(Sender sender, String operation, String model, ArrivedRequest arrived) {
        SpanBuilder builder =
                tracer.spanBuilder(NAME).setParent(arrived.parent()).setSpanKind(SpanKind.SERVER);
        if (settings.attributes().genAi()) {
            builder.setAttribute(SpanKeys.OPERATION, operation);
            builder.setAttribute(SpanKeys.PROVIDER, PROVIDER_NAME);
            if (model != null) {
                builder.setAttribute(SpanKeys.REQUEST_MODEL, model);
            }
            sender.session().ifPresent(session -> builder.setAttribute(SpanKeys.CONVERSATION, session.value()));
            sender.address().set(builder);
        }
        baggage(builder, arrived.parent());
        return builder;
    }

    private void baggage(SpanBuilder builder, Context parent) {
        Baggage baggage = Baggage.fromContext(parent);
        for (String key : settings.baggageKeys()) {
            String value = baggage.getEntryValue(key);
            if (value != null) {
                builder.setAttribute(key, value);
            }
        }
    }

    @Override
    public void onRefused(ServerRequest request, RefusedRequest refused) {
        ArrivedRequest arrived = arrived(request);
        Sender sender = Sender.of(request);
        long end = Math.max(refused.arrivalNanos(), nanoClock.getAsLong());
        telemetry.later(() -> record(sender, refused, arrived, end));
    }

    private void record(Sender sender, RefusedRequest refused, ArrivedRequest arrived, long end) {
        SpanBuilder builder = start(
                        sender, refused.operation(), refused.requestModel().orElse(null), arrived)
                .setStartTimestamp(arrived.anchor().epochNanosAt(refused.arrivalNanos()), TimeUnit.NANOSECONDS);
        Span span = SpanIds.start(builder, arrived.span(0));
        attributes.refused(span, refused);
        String type = refused.status().map(String::valueOf).orElse("connection_closed");
        // As with HTTP: what the client got wrong is no error of the server.
        if (refused.status().orElse(0) >= 500) {
            RequestAttributes.failed(span, type, refused.message());
        } else {
            span.setAttribute(SpanKeys.ERROR_TYPE, type);
        }
        span.end(arrived.anchor().epochNanosAt(end), TimeUnit.NANOSECONDS);
    }
}
