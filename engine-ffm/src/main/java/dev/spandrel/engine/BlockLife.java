package dev.spandrel.engine;

import java.util.List;

/**
 * What became of a KV block between its allocation and the eviction of its content.
 *
 * @param lifetimeNanos allocated to evicted
 * @param idleNanos last used to evicted
 * @param reuseGapNanos between the latest uses, oldest first; a block that was used once has none
 */
public record BlockLife(long lifetimeNanos, long idleNanos, List<Long> reuseGapNanos) {
    public BlockLife {
        reuseGapNanos = List.copyOf(reuseGapNanos);
    }
}
