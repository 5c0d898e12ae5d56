package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.StepListener;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.cuda.CudaException;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * The one thread that owns scheduler, model and sequences. Others only leave notes in its inbox: arrivals, bounded by the
 * {@link WaitingLine}, and cancellations. A step that throws fails the requests in it and the loop goes on; a second such
 * step within a minute, or a device that is lost, ends it, and the engine is no longer healthy.
 */
final class EngineLoop implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(EngineLoop.class.getName());
    private static final long FAILURE_WINDOW_NANOS = Duration.ofMinutes(1).toNanos();

    private final EngineStep step;
    private final WaitingLine line;
    private final LongSupplier nanoClock;
    private final StepListener stepListener;
    private final boolean detailed;
    private final Thread thread;

    private final Queue<LiveRequest> arrivals = new ConcurrentLinkedQueue<>();
    private final Queue<LiveRequest> cancellations = new ConcurrentLinkedQueue<>();

    private volatile boolean closing;
    /** Too many steps failed; the thread ends after this turn. */
    private volatile boolean failed;
    /** The thread has ended and nobody else will answer. */
    private volatile boolean over;

    private volatile EngineStats stats;
    /** Never scheduled requests that the latest step looked at and had no room for. */
    private volatile int considered;

    /** The last turn's record, told while the next pass is on its way; null when it has been. */
    private StepRecord untold;

    private boolean failedBefore;
    private long lastFailureNanos;

    EngineLoop(EngineStep step, WaitingLine line, LongSupplier nanoClock, StepListener stepListener) {
        this.step = step;
        this.line = line;
        this.nanoClock = nanoClock;
        this.stepListener = stepListener;
        this.detailed = stepListener.detailed();
        stats = step.stats();
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
        line.enter(nanoClock.getAsLong());
        request.entersLine();
        arrivals.add(request);
        LockSupport.unpark(thread);
        if (over) {
            // The loop may have ended between the check and the offer; nobody else would answer.
            abandon();
        }
    }

    /** Any thread: the request's reader has gone. */
    void cancel(LiveRequest request) {
        // At once: those who left during a long step must not take the places of those who come.
        if (request.leaveLine()) {
            line.left();
        }
        cancellations.add(request);
        LockSupport.unpark(thread);
    }

    EngineStats stats() {
        EngineStats latest = stats;
        int fresh = line.waiting();
        return latest.withWaiting(fresh + latest.waiting(), Math.max(0, fresh - considered));
    }

    boolean healthy() {
        return !closing && !failed && !over;
    }

    private void run() {
        try {
            while (!closing && !failed) {
                turn();
            }
        } finally {
            over = true;
            tellLast();
            abandon();
        }
    }

    private void turn() {
        StepRecord record = null;
        boolean rests = false;
        try {
            drain();
            if (!step.isIdle()) {
                record = step.run(detailed && stepListener.wantsDetail(step.index()), this::tellLast);
            }
            // Either nobody is there, or those who are wait for a form, whose maker unparks this thread.
            rests = record == null && !step.isInFlight();
        } catch (RuntimeException | Error e) {
            fail(e);
        }
        stats = step.stats();
        considered = step.considered();
        untold = record == null ? untold : record;
        // With a step in flight the device is busy already.
        if (record == null || step.isIdle() || !step.runsAhead() || step.isInFlight()) {
            tellLast();
            step.wake();
        }
        if (rests && arrivals.isEmpty() && cancellations.isEmpty() && !closing) {
            LockSupport.park(this);
        }
    }

    private void drain() {
        for (LiveRequest request = arrivals.poll(); request != null; request = arrivals.poll()) {
            step.add(request);
        }
        for (LiveRequest request = cancellations.poll(); request != null; request = cancellations.poll()) {
            step.end(request, new LiveRequest.Ending(FinishReason.ABORT, 0, nanoClock.getAsLong(), null));
        }
    }

    /** A listener that fails loses its news, nobody else's tokens. */
    private void tellLast() {
        StepRecord record = untold;
        untold = null;
        if (record == null) {
            return;
        }
        try {
            stepListener.onStep(record);
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.WARNING, "step listener failed", e);
        }
    }

    private void fail(Throwable cause) {
        // Before anybody is told of the failure, so that who asks then is told that the engine is over.
        if (cause instanceof CudaException device && device.isSticky()) {
            LOG.log(System.Logger.Level.ERROR, "the device is lost, only a new process has it back: the engine stops");
            failed = true;
        }
        int requests = step.fail(
                new EngineException.StepFailed("The engine failed while computing this request: " + cause, cause));
        LOG.log(System.Logger.Level.ERROR, "a step failed, and with it " + requests + " requests", cause);
        long now = nanoClock.getAsLong();
        if (failedBefore && now - lastFailureNanos < FAILURE_WINDOW_NANOS) {
            LOG.log(System.Logger.Level.ERROR, "second failed step within a minute: the engine stops");
            failed = true;
        }
        failedBefore = true;
        lastFailureNanos = now;
    }

    /** Ends everything that is left, so that no reader waits for ever. */
    private synchronized void abandon() {
        long now = nanoClock.getAsLong();
        LiveRequest.Ending ending = closing
                ? new LiveRequest.Ending(FinishReason.ABORT, 0, now, null)
                : new LiveRequest.Ending(
                        FinishReason.ERROR, 0, now, new EngineException.Unavailable("the engine has failed", null));
        for (LiveRequest request = arrivals.poll(); request != null; request = arrivals.poll()) {
            step.end(request, ending);
        }
        step.endAll(ending);
        stats = step.stats();
        considered = step.considered();
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
