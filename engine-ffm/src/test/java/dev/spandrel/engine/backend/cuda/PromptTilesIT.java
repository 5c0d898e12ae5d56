package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.WeightPolicy;
import org.junit.jupiter.api.BeforeAll;

/** Tiles of prompts in F32 on a real device; without one skipped as {@link CudaBackendIT} is. */
class PromptTilesIT extends PromptTilesContract {
    @BeforeAll
    static void probe() {
        CudaTesting.probeDevice();
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        return CudaTesting.device(policy, true);
    }
}
