package dev.spandrel.engine.scheduler;

/**
 * The limits of a step, by vLLM's names.
 *
 * @param maxNumSeqs most sequences in a step
 * @param maxNumBatchedTokens token budget of a step
 * @param longPrefillTokenThreshold most tokens in a step of the long part of a prompt; 0 = no limit but the budget
 * @param policy who comes first
 */
public record SchedulerConfig(
        int maxNumSeqs,
        int maxNumBatchedTokens,
        int longPrefillTokenThreshold,
        SchedulingPolicy policy,
        LogitRows logitRows) {
    /**
     * Rows with logits in a step.
     *
     * @param most there is room for
     * @param perSequence most of a sequence that decodes: its last token and its draft
     */
    public record LogitRows(int most, int perSequence) {
        /** As many as there are tokens. */
        public static final LogitRows UNLIMITED = new LogitRows(Integer.MAX_VALUE, 1);
    }

    /** Limits where there is room for logits of every token. */
    public SchedulerConfig(
            int maxNumSeqs, int maxNumBatchedTokens, int longPrefillTokenThreshold, SchedulingPolicy policy) {
        this(maxNumSeqs, maxNumBatchedTokens, longPrefillTokenThreshold, policy, LogitRows.UNLIMITED);
    }

    /**
     * How many thresholds of a prompt may be computed in one step before its long part begins. Small chunks read all
     * weights for few tokens, which costs a prompt of 512 tokens a quarter of its speed; see docs/decisions/0004.
     */
    public static final int SHORT_THRESHOLDS = 8;

    /**
     * Most tokens that a step may compute of one prompt.
     *
     * @param computed tokens of it that are computed
     */
    public int mostPrefill(int computed) {
        return longPrefillTokenThreshold == 0
                ? Integer.MAX_VALUE
                : Math.max(longPrefillTokenThreshold, SHORT_THRESHOLDS * longPrefillTokenThreshold - computed);
    }

    public SchedulerConfig {
        if (maxNumSeqs < 1 || maxNumBatchedTokens < 1 || longPrefillTokenThreshold < 0) {
            throw new IllegalArgumentException("limits of a step must be positive: " + maxNumSeqs + " sequences, "
                    + maxNumBatchedTokens + " tokens, " + longPrefillTokenThreshold + " per prefill");
        }
    }
}
