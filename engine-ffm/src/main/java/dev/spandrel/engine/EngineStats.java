package dev.spandrel.engine;

import java.util.List;

/**
 * Gauges and counters after the latest step; those waiting as of now. Counters only grow; token counters are in tokens.
 *
 * @param running sequences in the batch
 * @param waiting requests queued, preempted ones included
 * @param deferred those of them that no scheduling has looked at yet: they wait for the step under way to end, not for room
 * @param totalBlocks KV blocks in the pool
 * @param usedBlocks KV blocks held by sequences
 * @param blockSize tokens per KV block
 * @param steps steps run
 * @param promptTokens tokens of the prompts whose prefill is complete, each request once, cached ones included
 * @param cachedPromptTokens those of them that were found in the prefix cache
 * @param generatedTokens tokens sampled
 * @param preemptions times a sequence lost its blocks and went back to waiting
 * @param prefixCacheQueries tokens looked up in the prefix cache, once per admission
 * @param prefixCacheHits tokens found there
 * @param drafts times speculation proposed something and a step computed it
 * @param draftTokens tokens that speculation proposed and a step computed
 * @param acceptedDraftTokens tokens of these that were accepted
 * @param acceptedPerPosition the same by position in the draft; empty where nothing speculates
 */
public record EngineStats(
        int running,
        int waiting,
        int deferred,
        int totalBlocks,
        int usedBlocks,
        int blockSize,
        long steps,
        long promptTokens,
        long cachedPromptTokens,
        long generatedTokens,
        long preemptions,
        long prefixCacheQueries,
        long prefixCacheHits,
        long drafts,
        long draftTokens,
        long acceptedDraftTokens,
        List<Long> acceptedPerPosition) {
    public EngineStats {
        acceptedPerPosition = List.copyOf(acceptedPerPosition);
    }

    /** The same with other numbers of waiting and deferred requests. */
    public EngineStats withWaiting(int count, int deferredCount) {
        return new EngineStats(
                running,
                count,
                deferredCount,
                totalBlocks,
                usedBlocks,
                blockSize,
                steps,
                promptTokens,
                cachedPromptTokens,
                generatedTokens,
                preemptions,
                prefixCacheQueries,
                prefixCacheHits,
                drafts,
                draftTokens,
                acceptedDraftTokens,
                acceptedPerPosition);
    }

    /** Share of KV blocks in use, 0 to 1. */
    public double kvCacheUsage() {
        return totalBlocks == 0 ? 0 : (double) usedBlocks / totalBlocks;
    }
}
