package dev.spandrel.server.telemetry;

import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.StepListener;
import dev.spandrel.engine.StepRecord;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * The engine's view beside the requests': a span {@code engine.step} per scheduler step, in a trace of its own, linked to
 * the {@code llm_request}s in the step. The engine thread only puts the record of a chosen step into a bounded queue; one
 * daemon thread makes the spans. A full queue drops the record and counts it.
 */
public final class StepSpans implements StepListener, AutoCloseable {
    static final String NAME = "engine.step";

    /** Steps that may wait for their spans; at 1000 steps a second a quarter of a second. */
    private static final int QUEUE = 256;

    private final boolean on;
    private final double ratio;
    private final DoubleSupplier chance;
    private final InstantSource wall;
    private final LongSupplier nanoClock;
    private final BlockingQueue<StepRecord> records = new ArrayBlockingQueue<>(QUEUE);
    private final AtomicLong dropped = new AtomicLong();
    private volatile Thread maker;

    /**
     * Spans of a share of all steps.
     *
     * @param chance a number from 0 to 1, asked once per step on the engine thread
     */
    public StepSpans(TraceSettings settings, DoubleSupplier chance, InstantSource wall, LongSupplier nanoClock) {
        this.on = settings.tells(DetailedTraces.STEP);
        this.ratio = settings.stepRatio();
        this.chance = chance;
        this.wall = wall;
        this.nanoClock = nanoClock;
    }

    /** Begins to make spans; steps before it have none. */
    public void start(Telemetry telemetry) {
        if (on) {
            Tracer tracer = telemetry.tracer();
            telemetry.drops().alsoCount(dropped::get);
            Thread thread = Thread.ofPlatform().daemon().name("step-spans").unstarted(() -> make(tracer));
            maker = thread;
            thread.start();
        }
    }

    @Override
    public boolean detailed() {
        return on;
    }

    @Override
    public boolean wantsDetail(long step) {
        return maker != null && chance.getAsDouble() < ratio;
    }

    @Override
    public void onStep(StepRecord step) {
        if (step.detail().isPresent() && !records.offer(step)) {
            dropped.incrementAndGet();
        }
    }

    /** Steps whose spans were never made since the queue was full. */
    long dropped() {
        return dropped.get();
    }

    private void make(Tracer tracer) {
        try {
            while (true) {
                record(tracer, records.take());
            }
        } catch (InterruptedException e) {
            // Closed: what is still there goes out with the telemetry's last flush.
            for (StepRecord rest = records.poll(); rest != null; rest = records.poll()) {
                record(tracer, rest);
            }
        }
    }

    private void record(Tracer tracer, StepRecord step) {
        StepDetail detail = step.detail().orElseThrow();
        ClockAnchor anchor = ClockAnchor.take(wall, nanoClock);
        SpanBuilder builder = tracer.spanBuilder(NAME)
                .setNoParent()
                .setSpanKind(SpanKind.INTERNAL)
                .setStartTimestamp(anchor.epochNanosAt(step.startNanos()), TimeUnit.NANOSECONDS)
                .setAttribute(SpanKeys.STEP, step.index())
                .setAttribute(SpanKeys.STEP_SEQUENCES, (long) step.sequences())
                .setAttribute(SpanKeys.STEP_PROMPT_TOKENS, (long) step.promptTokens())
                .setAttribute(SpanKeys.STEP_GENERATED_TOKENS, (long) step.generatedTokens())
                .setAttribute(SpanKeys.STEP_PREEMPTED, (long) step.preempted())
                .setAttribute(SpanKeys.BLOCKS_USED, (long) detail.usedBlocks())
                .setAttribute(SpanKeys.BLOCKS_TOTAL, (long) detail.totalBlocks());
        for (StepDetail.Member member : detail.members()) {
            if (member.correlation() instanceof SpanContext request) {
                builder.addLink(request, Attributes.of(SpanKeys.REQUEST_ID, member.requestId(), SpanKeys.TOKENS, (long)
                        member.tokens()));
            }
        }
        Span span = builder.startSpan();
        if (span.isRecording()) {
            new Phases(tracer, anchor, Context.root().with(span)).record(step, detail);
        }
        span.end(anchor.epochNanosAt(step.endNanos()), TimeUnit.NANOSECONDS);
    }

    /** The children: schedule, forward with the backend's calls below it, sample. */
    private record Phases(Tracer tracer, ClockAnchor anchor, Context step) {

        void record(StepRecord step, StepDetail detail) {
            end(start(this.step, "schedule", step.startNanos(), detail.scheduleCpuNanos()), step.scheduledNanos());
            Span forward = start(this.step, "forward", step.scheduledNanos(), detail.forwardCpuNanos());
            Context below = this.step.with(forward);
            for (StepDetail.Call call : detail.calls()) {
                Span span = start(below, snake(call.phase()), call.startNanos(), call.cpuNanos());
                if (!call.verb().equals(call.phase())) {
                    span.setAttribute(SpanKeys.VERB, snake(call.verb()));
                }
                end(span, call.endNanos());
            }
            device(forward, detail.deviceTimes());
            if (detail.callsLeftOut() > 0) {
                forward.setAttribute(SpanKeys.CALLS_LEFT_OUT, (long) detail.callsLeftOut());
            }
            end(forward, step.forwardNanos());
            end(start(this.step, "sample", step.forwardNanos(), detail.sampleCpuNanos()), step.endNanos());
        }

        /** On a device the phases of all layers run behind the host's calls, so they are sums and no spans. */
        private static void device(Span forward, List<StepDetail.DeviceTime> times) {
            if (!times.isEmpty()) {
                long sum =
                        times.stream().mapToLong(StepDetail.DeviceTime::nanos).sum();
                forward.setAttribute(SpanKeys.DEVICE_TIME, sum / 1e9);
                times.forEach(time -> forward.setAttribute(
                        SpanKeys.DEVICE_TIME.getKey() + "." + snake(time.phase()), time.nanos() / 1e9));
            }
        }

        private Span start(Context parent, String name, long nanos, long cpuNanos) {
            return tracer.spanBuilder(name)
                    .setParent(parent)
                    .setStartTimestamp(anchor.epochNanosAt(nanos), TimeUnit.NANOSECONDS)
                    .setAttribute(SpanKeys.CPU_TIME, cpuNanos / 1e9)
                    .startSpan();
        }

        private void end(Span span, long nanos) {
            span.end(anchor.epochNanosAt(nanos), TimeUnit.NANOSECONDS);
        }

        /** {@code layerNorm} as {@code layer_norm}. */
        private static String snake(String method) {
            return method.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
        }
    }

    /** Makes what is left, for a bounded time. */
    @Override
    public void close() {
        Thread thread = maker;
        if (thread != null) {
            thread.interrupt();
            try {
                thread.join(1_000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
