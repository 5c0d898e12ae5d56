package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.StepListener;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Scheduler;
import dev.spandrel.engine.scheduler.Sequence;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;

/**
 * The one thread that owns scheduler, model and sequences: drain, schedule, run, publish. Others only leave notes in its
 * inbox. A step that throws fails the requests in it and the loop goes on; a second such step within a minute ends it, and
 * the engine is no longer healthy.
 */
final class EngineLoop implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(EngineLoop.class.getName());
    private static final long FAILURE_WINDOW_NANOS = Duration.ofMinutes(1).toNanos();

    private final Scheduler scheduler;
    private final BlockManager blocks;
    private final ModelRunner runner;
    private final IntPredicate endsSequence;
    private final int maxWaiting;
    private final LongSupplier nanoClock;
    private final StepListener stepListener;
    private final Thread thread;

    private final Queue<LiveRequest> arrivals = new ConcurrentLinkedQueue<>();
    private final Queue<LiveRequest> cancellations = new ConcurrentLinkedQueue<>();
    /** Requests submitted and never yet in a step; what {@code maxWaiting} bounds. */
    private final AtomicInteger unscheduled = new AtomicInteger();

    private volatile boolean closing;
    private volatile boolean dead;
    private volatile EngineStats stats;

    /** Requests of the step that got a token, and the tokens. */
    private final List<LiveRequest> sampling = new ArrayList<>();

    private int[] tokens = new int[16];
    private long steps;
    private long promptTokens;
    private long generatedTokens;
    private long preemptions;
    private long prefixCacheQueries;
    private long prefixCacheHits;
    private boolean failedBefore;
    private long lastFailureNanos;

    /** @param endsSequence tells end-of-sequence tokens */
    EngineLoop(
            Scheduler scheduler,
            BlockManager blocks,
            ModelRunner runner,
            IntPredicate endsSequence,
            int maxWaiting,
            LongSupplier nanoClock,
            StepListener stepListener) {
        this.scheduler = scheduler;
        this.blocks = blocks;
        this.runner = runner;
        this.endsSequence = endsSequence;
        this.maxWaiting = maxWaiting;
        this.nanoClock = nanoClock;
        this.stepListener = stepListener;
        snapshot();
        thread = Thread.ofPlatform().name("spandrel-engine").unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** Any thread: leaves a request for the next step. */
    void submit(LiveRequest request) {
        if (!healthy()) {
            throw new EngineException.Unavailable("the engine is shutting down or has failed", null);
        }
        if (unscheduled.incrementAndGet() > maxWaiting) {
            unscheduled.decrementAndGet();
            throw new EngineException.Rejected(
                    "the waiting queue is full: " + maxWaiting + " requests", Duration.ofSeconds(1));
        }
        arrivals.add(request);
        LockSupport.unpark(thread);
        if (dead) {
            // The loop may have ended between the check and the offer; nobody else would answer.
            abandon();
        }
    }

    /** Any thread: the request's reader has gone. */
    void cancel(LiveRequest request) {
        cancellations.add(request);
        LockSupport.unpark(thread);
    }

    EngineStats stats() {
        return stats;
    }

    boolean healthy() {
        return !closing && !dead;
    }

    private void run() {
        try {
            while (!closing && !dead) {
                drain();
                if (scheduler.isIdle()) {
                    snapshot();
                    LockSupport.park(this);
                } else {
                    step();
                }
            }
        } finally {
            dead = true;
            abandon();
        }
    }

    private void drain() {
        for (LiveRequest request = arrivals.poll(); request != null; request = arrivals.poll()) {
            scheduler.add(request);
        }
        for (LiveRequest request = cancellations.poll(); request != null; request = cancellations.poll()) {
            if (request.ending() == null) {
                end(request, new LiveRequest.Ending(FinishReason.ABORT, 0, nanoClock.getAsLong(), null));
            }
        }
    }

    private void step() {
        long start = nanoClock.getAsLong();
        ScheduledBatch batch = scheduler.schedule();
        long scheduled = nanoClock.getAsLong();
        note(batch, scheduled);
        StepRecord record;
        try {
            runner.forward(batch);
            long forward = nanoClock.getAsLong();
            int sampled = sample(batch);
            long end = nanoClock.getAsLong();
            int prompt = batch.tokens() - decoded(batch);
            int preempted = batch.preempted().size();
            record = new StepRecord(
                    steps++, start, scheduled, forward, end, batch.sequences().size(), prompt, sampled, preempted);
            scheduler.advance(batch);
            publish(end);
        } catch (RuntimeException | Error e) {
            fail(batch, e);
            return;
        }
        promptTokens += record.promptTokens();
        generatedTokens += record.generatedTokens();
        snapshot();
        tell(record);
    }

    /** A listener that fails loses its news, nobody else's tokens. */
    private void tell(StepRecord record) {
        try {
            stepListener.onStep(record);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "step listener failed", e);
        }
    }

    /** Stamps those that enter and counts those that leave. */
    private void note(ScheduledBatch batch, long nanos) {
        for (Sequence sequence : batch.admitted()) {
            LiveRequest request = (LiveRequest) sequence;
            if (!request.wasScheduled()) {
                unscheduled.decrementAndGet();
            }
            request.scheduled(nanos);
            prefixCacheQueries += request.length();
            prefixCacheHits += request.cachedTokens();
        }
        for (Sequence sequence : batch.preempted()) {
            ((LiveRequest) sequence).preempted();
            preemptions++;
        }
    }

    /** Draws a token for each sequence whose tokens are all computed; appended only when all are drawn. */
    private int sample(ScheduledBatch batch) {
        sampling.clear();
        for (int i = 0; i < batch.sequences().size(); i++) {
            if (batch.samples(i)) {
                LiveRequest request = (LiveRequest) batch.sequences().get(i);
                if (tokens.length == sampling.size()) {
                    tokens = java.util.Arrays.copyOf(tokens, 2 * tokens.length);
                }
                tokens[sampling.size()] = runner.sample(request, sampling.size());
                sampling.add(request);
            }
        }
        return sampling.size();
    }

    /** Tokens of the step that were not prompt when their request was last admitted: the fed-back ones. */
    private static int decoded(ScheduledBatch batch) {
        int count = 0;
        for (int i = 0; i < batch.sequences().size(); i++) {
            Sequence sequence = batch.sequences().get(i);
            int to = sequence.computed() + batch.tokenCount(i);
            count += Math.min(batch.tokenCount(i), Math.max(0, to - sequence.promptLength()));
        }
        return count;
    }

    private void publish(long nanos) {
        for (int i = 0; i < sampling.size(); i++) {
            LiveRequest request = sampling.get(i);
            request.append(tokens[i], nanos);
            LiveRequest.Ending ending = ending(request, tokens[i], nanos);
            if (ending != null) {
                end(request, ending);
            } else {
                request.publish(null);
            }
        }
    }

    private LiveRequest.Ending ending(LiveRequest request, int token, long nanos) {
        if (endsSequence.test(token) && !request.sampling().ignoreEos()) {
            return new LiveRequest.Ending(FinishReason.STOP, 1, nanos, null);
        }
        return request.length() == request.maxLength()
                ? new LiveRequest.Ending(FinishReason.LENGTH, 0, nanos, null)
                : null;
    }

    private void end(LiveRequest request, LiveRequest.Ending ending) {
        scheduler.finish(request);
        if (!request.wasScheduled()) {
            unscheduled.decrementAndGet();
        }
        request.publish(ending);
    }

    private void fail(ScheduledBatch batch, Throwable cause) {
        long now = nanoClock.getAsLong();
        LOG.log(System.Logger.Level.ERROR, "a step of " + batch.sequences().size() + " requests failed", cause);
        EngineException failure =
                new EngineException.StepFailed("the engine failed while computing this request: " + cause, cause);
        for (Sequence sequence : List.copyOf(batch.sequences())) {
            LiveRequest request = (LiveRequest) sequence;
            if (request.ending() == null) {
                end(request, new LiveRequest.Ending(FinishReason.ERROR, 0, now, failure));
            }
        }
        if (failedBefore && now - lastFailureNanos < FAILURE_WINDOW_NANOS) {
            LOG.log(System.Logger.Level.ERROR, "second failed step within a minute: the engine stops");
            dead = true;
        }
        failedBefore = true;
        lastFailureNanos = now;
        snapshot();
    }

    /** Ends everything that is left, so that no reader waits for ever. */
    private synchronized void abandon() {
        LiveRequest.Ending ending = closing
                ? new LiveRequest.Ending(FinishReason.ABORT, 0, nanoClock.getAsLong(), null)
                : new LiveRequest.Ending(
                        FinishReason.ERROR,
                        0,
                        nanoClock.getAsLong(),
                        new EngineException.Unavailable("the engine has failed", null));
        for (LiveRequest request = arrivals.poll(); request != null; request = arrivals.poll()) {
            end(request, ending);
        }
        for (Sequence sequence : scheduler.all()) {
            end((LiveRequest) sequence, ending);
        }
        snapshot();
    }

    private void snapshot() {
        stats = new EngineStats(
                scheduler.running().size(),
                scheduler.waitingCount() + arrivals.size(),
                blocks.totalBlocks(),
                blocks.usedBlocks(),
                blocks.blockSize(),
                steps,
                promptTokens,
                generatedTokens,
                preemptions,
                prefixCacheQueries,
                prefixCacheHits);
    }

    /** Ends the running step, aborts what is left and waits for the thread. */
    @Override
    public void close() {
        closing = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
