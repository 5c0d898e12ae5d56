package dev.spandrel.engine.runner;

import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.model.KvCache;
import dev.spandrel.engine.model.Model;
import java.lang.management.ManagementFactory;
import java.util.OptionalLong;

/** How many KV blocks an engine gets. */
final class KvSizing {
    /** A demonstration model gets this much: some dozen sequences at full length. */
    private static final long LEAST_BYTES = 128L << 20;
    /** No model gets more unasked: fits a laptop. Who wants more says {@code --kv-cache-memory-bytes}. */
    private static final long MOST_BYTES = 1L << 30;

    private KvSizing() {}

    /**
     * Blocks for the configured bytes. By default twice the bytes of the weights, between 128 MiB and 1 GiB, at most a
     * quarter of the machine's (or the container's) memory and what all sequences at full length could use; never fewer
     * than one sequence at full length needs. The memory is taken at start: a request that was let in must not fail later
     * for want of it.
     *
     * @param device what a backend with memory of its own has left, else empty
     * @throws EngineException.ModelLoad when the configured bytes do not hold one sequence at full length, or when nothing
     *     is configured and one takes more than half of the memory
     */
    static int blocks(EngineConfig config, Model model, int maxModelLen, KvDType dtype, OptionalLong device) {
        long bytesPerBlock = KvCache.bytesPerToken(model.layers(), model.heads(), dtype) * config.blockSize();
        long perSequence = (maxModelLen + config.blockSize() - 1L) / config.blockSize();
        if (config.kvCacheBytes() > 0) {
            long blocks = config.kvCacheBytes() / bytesPerBlock;
            if (blocks < perSequence) {
                throw new EngineException.ModelLoad(
                        config.model(),
                        "--kv-cache-memory-bytes " + config.kvCacheBytes() + " holds " + blocks + " blocks of "
                                + bytesPerBlock + " bytes, but one sequence of " + maxModelLen + " tokens needs "
                                + perSequence + " (" + perSequence * bytesPerBlock
                                + " bytes); give more, or lower --max-model-len");
            }
            return (int) Math.min(blocks, Integer.MAX_VALUE / config.blockSize());
        }
        if (device.isPresent()) {
            return onDevice(config, maxModelLen, bytesPerBlock, perSequence, device.getAsLong());
        }
        if (perSequence * bytesPerBlock > physicalMemory() / 2) {
            throw new EngineException.ModelLoad(
                    config.model(),
                    "one sequence of " + maxModelLen + " tokens takes " + (perSequence * bytesPerBlock >> 20)
                            + " MiB of KV cache, more than half of the " + (physicalMemory() >> 20)
                            + " MiB of memory here; lower --max-model-len, or say --kv-cache-memory-bytes or"
                            + " --kv-cache-dtype");
        }
        long wanted = perSequence * config.maxNumSeqs();
        long bytes = Math.clamp(2 * Float.BYTES * model.parameters(), LEAST_BYTES, MOST_BYTES);
        long affordable = Math.min(bytes, physicalMemory() / 4) / bytesPerBlock;
        return (int)
                Math.min(Math.max(perSequence, Math.min(wanted, affordable)), Integer.MAX_VALUE / config.blockSize());
    }

    /** All that {@code --gpu-memory-utilization} leaves, since nothing else will use it, but no more than can be of use. */
    private static int onDevice(
            EngineConfig config, int maxModelLen, long bytesPerBlock, long perSequence, long available) {
        long blocks = Math.min(available / bytesPerBlock, perSequence * config.maxNumSeqs());
        if (blocks < perSequence) {
            throw new EngineException.ModelLoad(
                    config.model(),
                    "--gpu-memory-utilization " + config.gpuMemoryUtilization() + " leaves " + (available >> 20)
                            + " MiB of device memory for the KV cache, but one sequence of " + maxModelLen
                            + " tokens needs " + (perSequence * bytesPerBlock >> 20)
                            + " MiB; raise it, lower --max-model-len, or narrow --dtype or --kv-cache-dtype");
        }
        return (int) Math.min(blocks, Integer.MAX_VALUE / config.blockSize());
    }

    private static long physicalMemory() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize()
                : Runtime.getRuntime().maxMemory();
    }
}
