package dev.spandrel.engine.scheduler;

/**
 * The limits of a step, by vLLM's names.
 *
 * @param maxNumSeqs most sequences in a step
 * @param maxNumBatchedTokens token budget of a step
 * @param longPrefillTokenThreshold most prompt tokens of one sequence in a step; 0 = no limit but the budget
 * @param policy who comes first
 */
public record SchedulerConfig(
        int maxNumSeqs, int maxNumBatchedTokens, int longPrefillTokenThreshold, SchedulingPolicy policy) {
    public SchedulerConfig {
        if (maxNumSeqs < 1 || maxNumBatchedTokens < 1 || longPrefillTokenThreshold < 0) {
            throw new IllegalArgumentException("limits of a step must be positive: " + maxNumSeqs + " sequences, "
                    + maxNumBatchedTokens + " tokens, " + longPrefillTokenThreshold + " per prefill");
        }
    }
}
