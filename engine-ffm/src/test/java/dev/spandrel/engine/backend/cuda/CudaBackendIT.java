package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendContract;
import dev.spandrel.engine.backend.WeightPolicy;
import org.junit.jupiter.api.BeforeAll;

/**
 * The whole contract on a real device. Without one it is skipped with the probe's reason; with {@code -Pgpu} that is a failure.
 */
class CudaBackendIT extends BackendContract {
    @BeforeAll
    static void probe() {
        CudaTesting.probeDevice();
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        return CudaTesting.device(policy, true);
    }
}
