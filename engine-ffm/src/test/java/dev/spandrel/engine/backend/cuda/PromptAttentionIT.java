package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.WeightPolicy;
import org.junit.jupiter.api.BeforeAll;

/** Attention on a real device's tensor cores; without one skipped as {@link CudaBackendIT} is. */
class PromptAttentionIT extends PromptAttentionContract {
    @BeforeAll
    static void probe() {
        CudaTesting.probeDevice();
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        return CudaTesting.device(policy, false);
    }
}
