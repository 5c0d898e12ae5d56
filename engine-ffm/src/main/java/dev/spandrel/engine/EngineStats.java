package dev.spandrel.engine;

/**
 * Gauges and counters after the latest step; those waiting as of now. Counters only grow; token counters are in tokens.
 *
 * @param running sequences in the batch
 * @param waiting requests queued, preempted ones included
 * @param totalBlocks KV blocks in the pool
 * @param usedBlocks KV blocks held by sequences
 * @param blockSize tokens per KV block
 * @param steps steps run
 * @param promptTokens prompt tokens computed
 * @param generatedTokens tokens sampled
 * @param preemptions times a sequence lost its blocks and went back to waiting
 * @param prefixCacheQueries tokens looked up in the prefix cache, once per admission
 * @param prefixCacheHits tokens found there
 * @param drafts times speculation proposed something and a step computed it
 * @param draftTokens tokens that speculation proposed and a step computed
 * @param acceptedDraftTokens tokens of these that were accepted
 */
public record EngineStats(
        int running,
        int waiting,
        int totalBlocks,
        int usedBlocks,
        int blockSize,
        long steps,
        long promptTokens,
        long generatedTokens,
        long preemptions,
        long prefixCacheQueries,
        long prefixCacheHits,
        long drafts,
        long draftTokens,
        long acceptedDraftTokens) {
    /** The same with another number of waiting requests. */
    public EngineStats withWaiting(int count) {
        return new EngineStats(
                running,
                count,
                totalBlocks,
                usedBlocks,
                blockSize,
                steps,
                promptTokens,
                generatedTokens,
                preemptions,
                prefixCacheQueries,
                prefixCacheHits,
                drafts,
                draftTokens,
                acceptedDraftTokens);
    }

    /** Share of KV blocks in use, 0 to 1. */
    public double kvCacheUsage() {
        return totalBlocks == 0 ? 0 : (double) usedBlocks / totalBlocks;
    }
}
