package dev.spandrel.engine.backend;

/**
 * How a backend is to work.
 *
 * @param threads CPU threads; 0 = the physical cores among the processors this process may use
 * @param weights what weights are kept as
 * @param machineCode whether instructions that the Vector API cannot say may be used
 * @param amx whether AMX tiles may be used
 */
public record BackendOptions(int threads, WeightPolicy weights, boolean machineCode, boolean amx) {
    /** So many threads, weights as stored, every instruction the processor has. */
    public static BackendOptions threads(int count) {
        return new BackendOptions(count, WeightPolicy.AS_STORED, true, true);
    }

    /** The same with other weights. */
    public BackendOptions with(WeightPolicy policy) {
        return new BackendOptions(threads, policy, machineCode, amx);
    }

    /** The same by the Vector API alone. */
    public BackendOptions withoutMachineCode() {
        return new BackendOptions(threads, weights, false, false);
    }
}
