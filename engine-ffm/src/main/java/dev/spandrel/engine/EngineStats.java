package dev.spandrel.engine;

/**
 * Gauges and counters after the latest step. Counters only grow; token counters are in tokens.
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
        long preemptions) {
    /** Share of KV blocks in use, 0 to 1. */
    public double kvCacheUsage() {
        return totalBlocks == 0 ? 0 : (double) usedBlocks / totalBlocks;
    }
}
