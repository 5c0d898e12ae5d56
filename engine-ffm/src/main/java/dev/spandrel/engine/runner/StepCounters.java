package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineStats;
import dev.spandrel.engine.scheduler.BlockManager;
import dev.spandrel.engine.scheduler.Scheduler;
import java.util.Arrays;
import java.util.stream.LongStream;

/** Counters over all turns of the engine; the engine thread alone. */
final class StepCounters {
    private long steps;
    private long promptTokens;
    private long generatedTokens;
    private long preemptions;
    private long prefixCacheQueries;
    private long prefixCacheHits;
    private long drafts;
    private long draftTokens;
    private long acceptedDraftTokens;
    private long cachedPromptTokens;
    private long[] acceptedPerPosition = {};

    /** Steps that are over. */
    long steps() {
        return steps;
    }

    /** A step is over; its index. */
    long step() {
        return steps++;
    }

    void generated(int tokens) {
        generatedTokens += tokens;
    }

    /** A request enters. */
    void admitted(LiveRequest request, boolean prefixCaching) {
        prefixCacheQueries += prefixCaching ? request.length() : 0;
        prefixCacheHits += request.cachedTokens();
    }

    void preempted() {
        preemptions++;
    }

    /** At its first token a prompt is prefilled; one that is preempted and computed again later counts no second time. */
    void prompt(LiveRequest request) {
        if (request.known() == 0) {
            promptTokens += request.promptLength();
            cachedPromptTokens += request.firstCachedTokens();
        }
    }

    /** Of a draft of so many tokens, maybe none, the first ones were accepted. */
    void drafted(int tokens, int accepted) {
        drafts += tokens > 0 ? 1 : 0;
        draftTokens += tokens;
        acceptedDraftTokens += accepted;
        if (accepted > acceptedPerPosition.length) {
            acceptedPerPosition = Arrays.copyOf(acceptedPerPosition, accepted);
        }
        for (int position = 0; position < accepted; position++) {
            acceptedPerPosition[position]++;
        }
    }

    /** With gauges as of now; of the waiting only those that were preempted, the others stand in the line. */
    EngineStats stats(Scheduler scheduler, BlockManager blocks) {
        return new EngineStats(
                scheduler.running().size(),
                scheduler.preemptedCount(),
                0,
                blocks.totalBlocks(),
                blocks.usedBlocks(),
                blocks.blockSize(),
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
                LongStream.of(acceptedPerPosition).boxed().toList());
    }
}
