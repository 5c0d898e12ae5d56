package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.cuda.CudaSettings;
import dev.spandrel.engine.cuda.EmulatedCuda;

/** Options that make mistakes show. */
public final class CudaTesting {
    private CudaTesting() {}

    /** Each allocation by itself, so that a guard page lies behind it; little scratch, so that both ways of attention run. */
    public static CudaOptions exact(WeightPolicy policy) {
        return options(EmulatedCuda.settings(), policy, true, 0);
    }

    /** As {@link #exact}, with tensor cores. */
    public static CudaOptions fast(WeightPolicy policy) {
        return options(EmulatedCuda.settings(), policy, false, 0);
    }

    /** Recorded passes that were launched. */
    public static long replays(CudaBackend backend) {
        return backend.replays();
    }

    static CudaOptions options(CudaSettings settings, WeightPolicy policy, boolean exact, long slabBytes) {
        return new CudaOptions(settings, policy, 0.9, exact, true, slabBytes, 256 << 10, 256 << 10, 256 << 10);
    }
}
