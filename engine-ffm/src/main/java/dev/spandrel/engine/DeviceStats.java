package dev.spandrel.engine;

/**
 * The device that an engine runs on, where it is not the processor; as of the latest step.
 *
 * @param name as its maker calls it
 * @param id its address on the bus
 * @param architecture e.g. {@code sm_90}
 * @param driver CUDA version that its driver knows
 * @param totalBytes memory it has
 * @param usedBytes memory that this engine holds there
 * @param steps steps whose device time is known
 * @param stepNanos device time of these together
 */
public record DeviceStats(
        String name,
        String id,
        String architecture,
        String driver,
        long totalBytes,
        long usedBytes,
        long steps,
        long stepNanos) {}
