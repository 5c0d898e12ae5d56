package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.FaultPoint;
import dev.spandrel.engine.scheduler.NgramProposer;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Scheduler;
import dev.spandrel.engine.scheduler.Sequence;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;

/**
 * One turn of the engine: schedule, run, sample ({@link StepSampling}), publish ({@link StepPublisher}); and how turns overlap. Owned by
 * the engine thread. A turn that fails tells whose requests were in it, and leaves the rest as if it had not been.
 *
 * <p>Where passes and draws run on a device, a turn leaves its tokens unread, and the next one schedules and sets going its
 * own pass first; so the device has work while tokens are published. Who has ended then computed one token in vain.
 */
final class EngineStep {
    private final Scheduler scheduler;
    private final BlockManager blocks;
    private final StepRunner runner;
    private final NgramProposer proposer;
    private final StepSampling sampling;
    private final StepPublisher publisher;
    private final WaitingLine line;
    private final LongSupplier nanoClock;
    private final FaultPoint faults;
    private final StepDetails details;
    /** Whether the next step may be scheduled before the tokens of the last are read. Drafts are made of these. */
    private final boolean overlaps;

    /** What the step that is looked at brings. */
    private final StepTokens fresh = new StepTokens();

    /** The step whose tokens are drawn and not read, or null; and when the last tokens were read. */
    private StepBooking flight;

    private long lastRead = Long.MIN_VALUE;

    /** Whether tokens of the last pass are drawn by the runner, not one by one. */
    private boolean drawing;

    /** A step behind one in flight whose rows have to be looked at, and whether it is watched; the next turn is for that. */
    private ScheduledBatch unread;

    private StepDetails unreadWatch;

    private StepBooking booking = new StepBooking();
    private StepBooking other = new StepBooking();

    /** Somebody asked for the detail of a step before there was one to be watched. */
    private boolean owesDetail;

    private final StepCounters counters = new StepCounters();

    /** A turn that nobody wants to know more of. */
    EngineStep(
            Scheduler scheduler,
            BlockManager blocks,
            StepRunner runner,
            NgramProposer proposer,
            IntPredicate endsSequence,
            WaitingLine line,
            LongSupplier nanoClock,
            FaultPoint faults) {
        this(scheduler, blocks, runner, proposer, endsSequence, line, nanoClock, faults, null, true);
    }

    /**
     * @param proposer makes drafts, or null
     * @param endsSequence tells end-of-sequence tokens
     * @param details watches the steps that are to be told of in detail, or null
     * @param asyncScheduling whether steps may overlap where the runner runs ahead
     */
    EngineStep(
            Scheduler scheduler,
            BlockManager blocks,
            StepRunner runner,
            NgramProposer proposer,
            IntPredicate endsSequence,
            WaitingLine line,
            LongSupplier nanoClock,
            FaultPoint faults,
            StepDetails details,
            boolean asyncScheduling) {
        this.scheduler = scheduler;
        this.blocks = blocks;
        this.runner = runner;
        this.proposer = proposer;
        StepEndings endings = new StepEndings(endsSequence);
        sampling = new StepSampling(runner, endings, faults, counters);
        publisher = new StepPublisher(scheduler, endings, line, faults, counters, runner.runsAhead());
        this.line = line;
        this.nanoClock = nanoClock;
        this.faults = faults;
        this.details = details;
        overlaps = asyncScheduling && runner.runsAhead() && proposer == null;
    }

    /** Takes a request into the scheduler's queue, unless its cancellation overtook it. */
    void add(LiveRequest request) {
        if (request.ending() == null) {
            scheduler.add(request);
        }
    }

    boolean isIdle() {
        return scheduler.isIdle() && !isInFlight();
    }

    /** Whether a step is not over whose turn is. */
    boolean isInFlight() {
        return flight != null || unread != null;
    }

    /** Index of the next step. */
    long index() {
        return counters.steps() + (isInFlight() ? 1 : 0);
    }

    /**
     * One turn. What it returns is the step that is over with it: its own, or where they overlap that of the turn before.
     *
     * @param detailed whether the record of the next step is to have its detail; such a step overlaps with none
     * @param meanwhile what need not wait for the pass and should not keep it waiting; run once it is on its way
     * @return null when no step is over; unless one {@link #isInFlight}, nobody can run, which the threads end that make forms
     */
    StepRecord run(boolean detailed, Runnable meanwhile) {
        owesDetail |= detailed;
        if (unread != null) {
            return complete(unread, booking, unreadWatch);
        }
        if (owesDetail && flight != null) {
            return land();
        }
        StepDetails watch = owesDetail ? details : null;
        owesDetail = false;
        long start = nanoClock.getAsLong();
        if (watch != null) {
            watch.begin();
        }
        publisher.release(start);
        propose();
        ScheduledBatch batch = scheduler.schedule();
        long scheduled = nanoClock.getAsLong();
        note(batch, scheduled);
        if (batch.sequences().isEmpty() && !batch.preempted().isEmpty()) {
            // Who gave way to those that are held may find room where it waits now.
            batch = scheduler.schedule();
            note(batch, scheduled);
        }
        if (batch.sequences().isEmpty()) {
            scheduler.done();
            return flight == null ? null : land();
        }
        faults.pass("forward");
        if (watch != null) {
            watch.scheduled();
        }
        runner.forward(batch);
        drawing = flight == null && runner.draw(batch);
        long forward = nanoClock.getAsLong();
        if (watch != null) {
            watch.forwarded();
        }
        booking.open(batch, start, scheduled, forward);
        publisher.wake();
        meanwhile.run();
        if (flight == null) {
            return drawing && overlaps && watch == null ? takeOff(batch) : complete(batch, booking, watch);
        }
        StepRecord before = land();
        // Now that all ids are known: penalties and forms depend on them.
        drawing = runner.draw(batch);
        if (drawing) {
            takeOff(batch);
        } else {
            unread = batch;
            unreadWatch = watch;
        }
        return before;
    }

    /** Leaves the batch's tokens to be read when the next pass is on its way; until then they have places and no ids. */
    private StepRecord takeOff(ScheduledBatch batch) {
        scheduler.advance(batch);
        for (int i = 0; i < batch.sequences().size(); i++) {
            LiveRequest request = (LiveRequest) batch.sequences().get(i);
            if (batch.logitRows(i) > 0 && request.isInStep()) {
                request.appendUnknown(booking.drawn().size());
                booking.drawn().add(request);
            }
        }
        scheduler.done();
        flight = booking;
        booking = other;
        other = flight;
        return null;
    }

    /** Reads the tokens of the step in flight, and gives them to those who are still there. */
    private StepRecord land() {
        StepBooking landing = flight;
        fresh.clear();
        for (int i = 0; i < landing.drawn().size(); i++) {
            LiveRequest request = landing.drawn().get(i);
            int token = runner.drawn(i);
            if (request.ending() == null) {
                faults.pass("sample");
                fresh.take(request, token);
            }
        }
        long end = nanoClock.getAsLong();
        StepRecord step = landing.close(counters.step(), lastRead, end, fresh.size(), Optional.empty());
        lastRead = end;
        publisher.publish(fresh, end);
        flight = null;
        counters.generated(fresh.size());
        return step;
    }

    /** Gives the tokens of a step that overlaps with none. */
    private StepRecord complete(ScheduledBatch batch, StepBooking booked, StepDetails watch) {
        sampling.sample(batch, drawing, fresh);
        long end = nanoClock.getAsLong();
        StepRecord step = booked.close(
                counters.step(),
                lastRead,
                end,
                fresh.size(),
                watch == null ? Optional.empty() : Optional.of(watch.end(batch, blocks)));
        lastRead = end;
        scheduler.advance(batch);
        publisher.publish(fresh, end);
        scheduler.done();
        unread = null;
        counters.generated(fresh.size());
        return step;
    }

    private void propose() {
        if (proposer == null) {
            return;
        }
        for (Sequence sequence : scheduler.running()) {
            if (sequence.length() - sequence.computed() == 1 && !sequence.isHeld()) {
                proposer.propose(sequence);
            }
        }
    }

    /** Stamps those that enter and counts those that leave. */
    private void note(ScheduledBatch batch, long nanos) {
        for (Sequence sequence : batch.admitted()) {
            LiveRequest request = (LiveRequest) sequence;
            if (request.leaveLine()) {
                line.admitted(nanos);
            }
            request.scheduled(nanos);
            counters.admitted(request, blocks.prefixCaching());
        }
        for (Sequence sequence : batch.preempted()) {
            ((LiveRequest) sequence).preempted(nanos);
            counters.preempted();
        }
    }

    /** Wakes who waits for tokens of the last turn. */
    void wake() {
        publisher.wake();
    }

    /** Ends a request wherever it stands; harmless when it has ended before. */
    void end(LiveRequest request, LiveRequest.Ending ending) {
        publisher.end(request, ending);
    }

    /** Whether a turn has the device work while the engine goes on. */
    boolean runsAhead() {
        return runner.runsAhead();
    }

    /** Fails the requests of a turn that threw. */
    int fail(EngineException failure) {
        if (details != null) {
            details.abandon();
        }
        long now = nanoClock.getAsLong();
        List<Sequence> concerned = scheduler.concerned();
        if (flight != null) {
            // Its tokens are lost with their places.
            flight.members().stream()
                    .filter(request -> request.ending() == null && !concerned.contains(request))
                    .forEach(concerned::add);
        }
        if (runner.runsAhead()) {
            // Blocks are remembered when the pass that fills them is on its way.
            blocks.clearCache();
        }
        flight = null;
        unread = null;
        for (Sequence sequence : concerned) {
            end((LiveRequest) sequence, new LiveRequest.Ending(FinishReason.ERROR, 0, now, failure));
        }
        return concerned.size();
    }

    /** Ends everything that is left. */
    void endAll(LiveRequest.Ending ending) {
        for (Sequence sequence : scheduler.all()) {
            end((LiveRequest) sequence, ending);
        }
    }

    /** Counters and gauges as of now; of the waiting only those that were preempted, the others stand in the line. */
    EngineStats stats() {
        return counters.stats(scheduler, blocks);
    }

    /** Requests that scheduling looked at and that were never in a step. */
    int considered() {
        return scheduler.waitingCount() - scheduler.preemptedCount();
    }
}
