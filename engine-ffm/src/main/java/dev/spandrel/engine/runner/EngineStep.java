package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.sampling.Sampler;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.FaultPoint;
import dev.spandrel.engine.scheduler.NgramProposer;
import dev.spandrel.engine.scheduler.ScheduledBatch;
import dev.spandrel.engine.scheduler.Scheduler;
import dev.spandrel.engine.scheduler.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;

/**
 * One turn of the engine: schedule, run, sample, publish; and the counters over all turns. Owned by the engine thread. A
 * turn that fails tells whose requests were in it, and leaves the rest as if it had not been.
 *
 * <p>Where passes and draws run on a device, a turn leaves its tokens unread, and the next one schedules and sets going its
 * own pass first; so the device has work while tokens are published. Who has ended then computed one token in vain.
 */
final class EngineStep {
    private static final EngineException NOT_NUMBERS = new EngineException.StepFailed(
            "The model's scores are not numbers (NaN or infinite); its weights or their type do not fit", null);

    private static final EngineException NOTHING_ALLOWED = new EngineException.InvalidRequest(
            null,
            "No token is left to choose: allowed_token_ids, bad_words, min_tokens and the output's form together exclude all");

    private final Scheduler scheduler;
    private final BlockManager blocks;
    private final StepRunner runner;
    private final NgramProposer proposer;
    private final StepEndings endings;
    private final WaitingLine line;
    private final LongSupplier nanoClock;
    private final FaultPoint faults;
    private final StepDetails details;
    /** Whether the next step may be scheduled before the tokens of the last are read. Drafts are made of these. */
    private final boolean overlaps;

    /** What the step that is looked at brings. */
    private final StepTokens fresh = new StepTokens();

    /** Requests with new tokens whose readers sleep until the next pass is on its way. */
    private final List<LiveRequest> asleep = new ArrayList<>();

    /** Requests that wait for the form of their output, and whose last token may have been the last. */
    private final List<LiveRequest> held = new ArrayList<>();

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
        endings = new StepEndings(endsSequence);
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
        release(start);
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
        wake();
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
        publish(end);
        flight = null;
        counters.generated(fresh.size());
        return step;
    }

    /** Gives the tokens of a step that overlaps with none. */
    private StepRecord complete(ScheduledBatch batch, StepBooking booked, StepDetails watch) {
        sample(batch);
        long end = nanoClock.getAsLong();
        StepRecord step = booked.close(
                counters.step(),
                lastRead,
                end,
                fresh.size(),
                watch == null ? Optional.empty() : Optional.of(watch.end(batch, blocks)));
        lastRead = end;
        scheduler.advance(batch);
        publish(end);
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

    /**
     * Draws a token for each sequence whose tokens are all computed, and as long as a draw gives what the draft said, one
     * more. Sampling from the target and comparing accepts a draft token with the probability that the target gives it, which
     * is rejection sampling for a draft that is certain of itself (Leviathan et al., 2023), and it draws the very tokens
     * that come without speculation. Nothing is appended until all are drawn.
     */
    private void sample(ScheduledBatch batch) {
        fresh.clear();
        int row = 0;
        for (int i = 0; i < batch.sequences().size(); i++) {
            LiveRequest request = (LiveRequest) batch.sequences().get(i);
            if (!request.isInStep()) {
                row += batch.logitRows(i);
                continue;
            }
            int rows = batch.samplingRows(i);
            if (rows > 0 && drawing) {
                faults.pass("sample");
                fresh.take(request, runner.drawn(fresh.size()));
                continue;
            }
            if (request.pooler() != null) {
                runner.pool(
                        request,
                        row,
                        batch.logitRows(i),
                        request.computed() + batch.tokenCount(i) - batch.logitRows(i));
                row += batch.logitRows(i);
                if (rows > 0) {
                    fresh.pooled(request);
                }
                continue;
            }
            score(request, row, batch.logitRows(i));
            row += batch.logitRows(i) - rows;
            if (rows > 0) {
                faults.pass("sample");
                fresh.begin(request);
                int drawn = sample(request, row, rows);
                counters.drafted(rows - 1, drawn - 1);
                row += rows;
            }
        }
    }

    /** Notes the log probabilities of the prompt's tokens behind those that the step computed. */
    private void score(LiveRequest request, int firstRow, int rows) {
        for (int i = 0; request.scoresPrompt() && i < rows; i++) {
            int index = request.computed() + i + 1;
            if (index < request.promptLength()) {
                runner.score(request, firstRow + i, index);
            }
        }
    }

    private int sample(LiveRequest request, int firstRow, int rows) {
        int drawn = 0;
        int length = request.length();
        boolean drafted = true;
        while (drafted && drawn < rows) {
            int token = runner.sample(request, firstRow + drawn, request.generated() + drawn);
            fresh.add(token);
            drafted = drawn < rows - 1 && request.tokens()[length + drawn] == token && !endings.stops(request, token);
            drawn++;
            drafted = drafted && StepEndings.goesOn(request, request.generated() + drawn);
        }
        return drawn;
    }

    /** Looks after those that wait for the form of their output. */
    private void release(long nanos) {
        held.removeIf(request -> {
            if (request.ending() != null) {
                return true;
            }
            if (StepEndings.awaitsForm(request)) {
                return false;
            }
            request.hold(false);
            LiveRequest.Ending ending = StepEndings.byForm(request, nanos);
            if (ending != null) {
                end(request, ending);
            }
            return true;
        });
    }

    private void publish(long nanos) {
        for (LiveRequest request : fresh.pooled()) {
            counters.prompt(request);
            end(request, new LiveRequest.Ending(FinishReason.STOP, 0, nanos, null));
        }
        int at = 0;
        for (int i = 0; i < fresh.requests().size(); i++) {
            faults.pass("publish");
            LiveRequest request = fresh.requests().get(i);
            LiveRequest.Ending ending = null;
            for (int j = 0; j < fresh.count(i); j++) {
                int token = fresh.token(at + j);
                if (ending == null && token < 0) {
                    EngineException cause = token == Sampler.NOT_A_NUMBER ? NOT_NUMBERS : NOTHING_ALLOWED;
                    ending = new LiveRequest.Ending(FinishReason.ERROR, 0, nanos, cause);
                } else if (ending == null) {
                    counters.prompt(request);
                    request.append(token, nanos);
                    ending = ending(request, token, j == fresh.count(i) - 1, nanos);
                }
            }
            at += fresh.count(i);
            if (ending != null) {
                end(request, ending);
            } else if (runner.runsAhead()) {
                // A wake-up is a system call: 64 of them would keep a device waiting for longer than the step itself is
                // laid out.
                request.reveal();
                asleep.add(request);
            } else {
                request.publish(null);
            }
        }
    }

    /** Whether a turn has the device work while the engine goes on. */
    boolean runsAhead() {
        return runner.runsAhead();
    }

    /** Wakes who waits for tokens of the last turn. */
    void wake() {
        asleep.forEach(LiveRequest::wake);
        asleep.clear();
    }

    /** @param last of those that the step drew; before it the form is known to go on */
    private LiveRequest.Ending ending(LiveRequest request, int token, boolean last, long nanos) {
        LiveRequest.Ending ending = endings.byToken(request, token, nanos);
        if (ending != null) {
            return ending;
        }
        if (last && StepEndings.awaitsForm(request)) {
            request.hold(true);
            held.add(request);
            return null;
        }
        return request.plan().constraint() == null || last ? StepEndings.byForm(request, nanos) : null;
    }

    /** Ends a request wherever it stands; harmless when it has ended before. */
    void end(LiveRequest request, LiveRequest.Ending ending) {
        if (request.ending() != null) {
            return;
        }
        scheduler.finish(request);
        if (request.leaveLine()) {
            line.left();
        }
        if (request.plan().constraint() != null) {
            request.plan().constraint().abandon();
        }
        request.publish(ending);
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
