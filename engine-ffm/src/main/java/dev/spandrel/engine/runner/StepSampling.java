package dev.spandrel.engine.runner;

import dev.spandrel.engine.scheduler.FaultPoint;
import dev.spandrel.engine.scheduler.ScheduledBatch;

/** Looks at the rows of a pass, request by request: draws tokens, collects hidden states, notes log probabilities. The engine thread alone. */
final class StepSampling {
    private final StepRunner runner;
    private final StepEndings endings;
    private final FaultPoint faults;
    private final StepCounters counters;

    StepSampling(StepRunner runner, StepEndings endings, FaultPoint faults, StepCounters counters) {
        this.runner = runner;
        this.endings = endings;
        this.faults = faults;
        this.counters = counters;
    }

    /**
     * Draws a token for each sequence whose tokens are all computed, and as long as a draw gives what the draft said, one
     * more. Sampling from the target and comparing accepts a draft token with the probability that the target gives it, which
     * is rejection sampling for a draft that is certain of itself (Leviathan et al., 2023), and it draws the very tokens
     * that come without speculation. Nothing is appended until all are drawn.
     *
     * @param drawn whether the runner has drawn all of them
     */
    void sample(ScheduledBatch batch, boolean drawn, StepTokens fresh) {
        fresh.clear();
        int row = 0;
        for (int i = 0; i < batch.sequences().size(); i++) {
            LiveRequest request = (LiveRequest) batch.sequences().get(i);
            if (!request.isInStep()) {
                row += batch.logitRows(i);
                continue;
            }
            int rows = batch.samplingRows(i);
            if (rows > 0 && drawn) {
                faults.pass("sample");
                fresh.take(request, runner.drawn(fresh.size()));
                continue;
            }
            if (request.pooler() != null) {
                int first = request.computed() + batch.tokenCount(i) - batch.logitRows(i);
                runner.pool(request, row, batch.logitRows(i), first);
                row += batch.logitRows(i);
                if (rows > 0) {
                    fresh.pooled(request);
                }
                continue;
            }
            score(request, row, batch.logitRows(i));
            row += batch.logitRows(i);
            if (rows > 0) {
                faults.pass("sample");
                int accepted = sample(request, row - rows, rows, fresh) - 1;
                counters.drafted(rows - 1, accepted);
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

    /** Tokens that were drawn, at least one. */
    private int sample(LiveRequest request, int firstRow, int rows, StepTokens fresh) {
        fresh.begin(request);
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
}
