package dev.spandrel.engine.runner;

import dev.spandrel.engine.sampling.LogitsProcessor;
import dev.spandrel.engine.sampling.TokenConstraint;
import java.util.List;

/**
 * What the engine thread does to the scores of one request, made ready when it is submitted.
 *
 * @param constraint the form of the output, or null
 * @param processors what else changes scores, in order
 * @param stopTokenIds the request's own ending tokens
 */
record SamplingPlan(TokenConstraint constraint, List<LogitsProcessor> processors, List<Integer> stopTokenIds) {
    /** Scores stay as the model gives them. */
    static final SamplingPlan PLAIN = new SamplingPlan(null, List.of(), List.of());

    SamplingPlan {
        processors = List.copyOf(processors);
        stopTokenIds = List.copyOf(stopTokenIds);
    }

    /** Whether something is done to scores. */
    boolean changesScores() {
        return constraint != null || !processors.isEmpty();
    }
}
