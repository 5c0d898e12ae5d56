package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.sampling.Sampler;
import dev.spandrel.engine.scheduler.FaultPoint;
import dev.spandrel.engine.scheduler.Scheduler;
import java.util.ArrayList;
import java.util.List;

/**
 * Gives requests the tokens of a step, and ends those that have their last. Two kinds wait here: whose readers are woken once the
 * next pass is on its way, and whose form is not yet known to have ended. The engine thread alone.
 */
final class StepPublisher {
    private static final EngineException NOT_NUMBERS = new EngineException.StepFailed(
            "The model's scores are not numbers (NaN or infinite); its weights or their type do not fit", null);

    private static final EngineException NOTHING_ALLOWED = new EngineException.InvalidRequest(
            null,
            "No token is left to choose: allowed_token_ids, bad_words, min_tokens and the output's form together exclude all");

    private final Scheduler scheduler;
    private final StepEndings endings;
    private final WaitingLine line;
    private final FaultPoint faults;
    private final StepCounters counters;
    private final boolean wakesLater;

    /** Requests with new tokens whose readers sleep until the next pass is on its way. */
    private final List<LiveRequest> asleep = new ArrayList<>();

    /** Requests that wait for the form of their output, and whose last token may have been the last. */
    private final List<LiveRequest> held = new ArrayList<>();

    /** @param wakesLater whether readers are woken by {@link #wake} alone */
    StepPublisher(
            Scheduler scheduler,
            StepEndings endings,
            WaitingLine line,
            FaultPoint faults,
            StepCounters counters,
            boolean wakesLater) {
        this.scheduler = scheduler;
        this.endings = endings;
        this.line = line;
        this.faults = faults;
        this.counters = counters;
        this.wakesLater = wakesLater;
    }

    /** @param nanos when the tokens were there */
    void publish(StepTokens fresh, long nanos) {
        for (LiveRequest request : fresh.pooled()) {
            counters.prompt(request);
            end(request, new LiveRequest.Ending(FinishReason.STOP, 0, nanos, null));
        }
        int at = 0;
        for (int i = 0; i < fresh.requests().size(); i++) {
            faults.pass("publish");
            LiveRequest request = fresh.requests().get(i);
            LiveRequest.Ending ending = append(request, fresh, at, fresh.count(i), nanos);
            at += fresh.count(i);
            if (ending != null) {
                end(request, ending);
            } else if (wakesLater) {
                // A wake-up is a system call: 64 of them would keep a device waiting for longer than the step itself is
                // laid out.
                request.reveal();
                asleep.add(request);
            } else {
                request.publish(null);
            }
        }
    }

    /** Appends a request's tokens of a step up to its end; that end, or null. */
    private LiveRequest.Ending append(LiveRequest request, StepTokens fresh, int first, int count, long nanos) {
        LiveRequest.Ending ending = null;
        for (int i = 0; ending == null && i < count; i++) {
            int token = fresh.token(first + i);
            if (token < 0) {
                EngineException cause = token == Sampler.NOT_A_NUMBER ? NOT_NUMBERS : NOTHING_ALLOWED;
                return new LiveRequest.Ending(FinishReason.ERROR, 0, nanos, cause);
            }
            counters.prompt(request);
            request.append(token, nanos);
            ending = ending(request, token, i == count - 1, nanos);
        }
        return ending;
    }

    /** Wakes who waits for tokens of the last turn. */
    void wake() {
        asleep.forEach(LiveRequest::wake);
        asleep.clear();
    }

    /** Looks after those that wait for the form of their output. */
    void release(long nanos) {
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
}
