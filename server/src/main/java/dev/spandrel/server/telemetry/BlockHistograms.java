package dev.spandrel.server.telemetry;

import dev.spandrel.engine.BlockLife;

/** vLLM's histograms of KV blocks under {@code --kv-cache-metrics}; filled by the engine thread. */
final class BlockHistograms {
    private static final double[] BOUNDS = {
        .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800
    };

    private final Histogram lifetime = new Histogram(BOUNDS);
    private final Histogram idle = new Histogram(BOUNDS);
    private final Histogram reuseGap = new Histogram(BOUNDS);

    void evicted(BlockLife life) {
        lifetime.observe(life.lifetimeNanos() / 1e9);
        idle.observe(life.idleNanos() / 1e9);
        life.reuseGapNanos().forEach(gap -> reuseGap.observe(gap / 1e9));
    }

    void write(PrometheusText out) {
        out.histogram("vllm:kv_block_lifetime_seconds", "KV block allocated to evicted, sampled.", lifetime);
        out.histogram("vllm:kv_block_idle_before_evict_seconds", "KV block last used to evicted, sampled.", idle);
        out.histogram("vllm:kv_block_reuse_gap_seconds", "KV block used to used again, sampled.", reuseGap);
    }
}
