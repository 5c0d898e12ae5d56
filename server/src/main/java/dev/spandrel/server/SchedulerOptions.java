package dev.spandrel.server;

import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.NgramSpeculation;
import picocli.CommandLine.Option;

/** The flags of {@code serve} that say how requests share the engine and its memory. */
final class SchedulerOptions {
    @Option(
            names = "--max-num-seqs",
            defaultValue = "128",
            paramLabel = "N",
            description = "Most sequences in one step. Default: ${DEFAULT-VALUE}.")
    private int maxNumSeqs;

    @Option(
            names = "--max-num-batched-tokens",
            defaultValue = "2048",
            paramLabel = "N",
            converter = Magnitudes.Length.class,
            description = "Token budget of one step. Default: ${DEFAULT-VALUE}.")
    private int maxNumBatchedTokens;

    @Option(
            names = "--long-prefill-token-threshold",
            defaultValue = "" + EngineConfig.DEFAULT_LONG_PREFILL_TOKEN_THRESHOLD,
            paramLabel = "N",
            description =
                    "Most prompt tokens of one request in a step, once eight times as many are computed; 0 = no limit."
                            + " Default: ${DEFAULT-VALUE}.")
    private int longPrefillTokenThreshold;

    @Option(
            names = "--scheduling-policy",
            defaultValue = "fcfs",
            paramLabel = "NAME",
            description = "fcfs, or priority (the request's own, smaller is sooner). Default: ${DEFAULT-VALUE}.")
    private String schedulingPolicy;

    @Option(
            names = "--priority-aging-ms",
            defaultValue = "0",
            paramLabel = "MS",
            description = "Wait worth one step of priority, so that low ones cannot wait for ever; 0 = none."
                    + " Default: ${DEFAULT-VALUE}.")
    private long priorityAgingMillis;

    @Option(
            names = "--speculative-config",
            paramLabel = "JSON",
            converter = SpeculativeConfig.class,
            description =
                    "Speculative decoding by prompt lookup, e.g."
                            + " '{\"method\": \"ngram\", \"num_speculative_tokens\": 4, \"prompt_lookup_max\": 4}'. Default: off.")
    private NgramSpeculation speculation = NgramSpeculation.OFF;

    @Option(
            names = "--enable-prefix-caching",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Whether requests that begin alike share the beginning. Default: ${DEFAULT-VALUE}.")
    private boolean prefixCaching;

    @Option(
            names = "--async-scheduling",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "On CUDA: schedule and send off the next step before the tokens of the last are read."
                    + " Default: ${DEFAULT-VALUE}.")
    private boolean asyncScheduling;

    @Option(
            names = "--max-waiting",
            defaultValue = "1024",
            paramLabel = "N",
            description = "Most requests waiting; one more gets 429 with Retry-After. Default: ${DEFAULT-VALUE}.")
    private int maxWaiting;

    @Option(
            names = "--block-size",
            defaultValue = "16",
            paramLabel = "N",
            description = "Tokens per KV block. Default: ${DEFAULT-VALUE}.")
    private int blockSize;

    @Option(
            names = "--kv-cache-dtype",
            defaultValue = "auto",
            paramLabel = "NAME",
            description =
                    "auto (float32; on CUDA as 16-bit weights), float32, float16, bfloat16 or int8. Default: ${DEFAULT-VALUE}.")
    private String kvCacheDType;

    @Option(
            names = "--kv-cache-memory-bytes",
            defaultValue = "0",
            paramLabel = "BYTES",
            converter = Magnitudes.Bytes.class,
            description = "Memory of the KV cache, e.g. 512M. Default: chosen from what is free.")
    private long kvCacheBytes;

    @Option(
            names = "--seed",
            defaultValue = "0",
            paramLabel = "SEED",
            description = "Seed of requests that bring none. Default: ${DEFAULT-VALUE}.")
    private long seed;

    /** Adds them to an engine's configuration. */
    EngineConfig.Builder into(EngineConfig.Builder engine) {
        return engine.maxNumSeqs(maxNumSeqs)
                .maxNumBatchedTokens(maxNumBatchedTokens)
                .longPrefillTokenThreshold(longPrefillTokenThreshold)
                .schedulingPolicy(schedulingPolicy)
                .priorityAgingMillis(priorityAgingMillis)
                .speculation(speculation)
                .kvCacheDType(kvCacheDType)
                .prefixCaching(prefixCaching)
                .asyncScheduling(asyncScheduling)
                .blockSize(blockSize)
                .kvCacheBytes(kvCacheBytes)
                .maxWaiting(maxWaiting)
                .seed(seed);
    }
}
