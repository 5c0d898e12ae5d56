package dev.spandrel.engine.backend;

/**
 * How a backend is to work.
 *
 * @param threads CPU threads; 0 = the physical cores among the processors this process may use
 * @param weights what weights are kept as
 * @param machineCode whether instructions that the Vector API cannot say may be used
 * @param amxRows rows from which AMX tiles multiply, where the processor has them; 0 = never
 */
public record BackendOptions(int threads, WeightPolicy weights, boolean machineCode, int amxRows) {
    /** Half of what one call of AMX multiplies: by the instructions' rates, not by a measurement, see docs/decisions/0190. */
    public static final int AMX_ROWS = 16;

    /** So many threads, weights as stored, every instruction the processor has. */
    public static BackendOptions threads(int count) {
        return new BackendOptions(count, WeightPolicy.AS_STORED, true, AMX_ROWS);
    }

    /** The same with other weights. */
    public BackendOptions with(WeightPolicy policy) {
        return new BackendOptions(threads, policy, machineCode, amxRows);
    }

    /** The same with AMX from so many rows on; 0 = never. */
    public BackendOptions withAmxFrom(int rows) {
        return new BackendOptions(threads, weights, machineCode, rows);
    }

    /** The same by the Vector API alone. */
    public BackendOptions withoutMachineCode() {
        return new BackendOptions(threads, weights, false, 0);
    }
}
