package dev.spandrel.engine.runner;

import dev.spandrel.engine.FinishReason;
import dev.spandrel.engine.StopRules;
import dev.spandrel.engine.sampling.TokenConstraint;
import dev.spandrel.engine.sampling.TokenHistory;
import java.util.function.IntPredicate;

/** When a request ends: by a token, by the form of its output, or by its length. Asked by the engine thread. */
final class StepEndings {
    private final IntPredicate endsSequence;

    /** @param endsSequence tells end-of-sequence tokens */
    StepEndings(IntPredicate endsSequence) {
        this.endsSequence = endsSequence;
    }

    /** Whether a token is one that ends the sequence, be it early or not. */
    boolean stops(LiveRequest request, int token) {
        return !request.sampling().ignoreEos() && endsSequence.test(token)
                || request.plan().stopTokenIds().contains(token);
    }

    /** Whether the form of the output is known to go on after so many tokens, the last of them drafted. */
    static boolean goesOn(LiveRequest request, int generated) {
        TokenConstraint form = request.plan().constraint();
        TokenHistory history = request.before(generated);
        return form == null || form.ready(history) && form.failure() == null && !form.complete(history);
    }

    /** Whether what the request has is not yet known to be all of its form: then its end cannot be told. */
    static boolean awaitsForm(LiveRequest request) {
        TokenConstraint form = request.plan().constraint();
        return form != null && !form.ready(request.before(request.generated()));
    }

    /** The end that a token makes by itself, or null. */
    LiveRequest.Ending byToken(LiveRequest request, int token, long nanos) {
        StopRules rules = request.sampling().stopRules();
        TokenConstraint form = request.plan().constraint();
        FinishReason stop = form != null && form.cutShort() ? FinishReason.LENGTH : FinishReason.STOP;
        if (request.generated() >= rules.minTokens() && stops(request, token)) {
            boolean models = !rules.ignoreEos() && endsSequence.test(token);
            return new LiveRequest.Ending(stop, rules.includeInOutput() ? 0 : 1, nanos, models ? -1 : token, null);
        }
        return null;
    }

    /** The end of a request whose form has ended, or that has all its tokens. */
    static LiveRequest.Ending byForm(LiveRequest request, long nanos) {
        TokenConstraint form = request.plan().constraint();
        if (form != null && form.failure() != null) {
            return new LiveRequest.Ending(FinishReason.ERROR, 0, nanos, form.failure());
        }
        if (form != null && form.complete(request.before(request.generated()))) {
            return new LiveRequest.Ending(form.cutShort() ? FinishReason.LENGTH : FinishReason.STOP, 0, nanos, null);
        }
        return request.length() == request.maxLength()
                ? new LiveRequest.Ending(FinishReason.LENGTH, 0, nanos, null)
                : null;
    }
}
