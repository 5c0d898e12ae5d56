package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendContract;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.WeightPolicy;

/** The contract by the Vector API alone, as on processors that machine code is not written for. */
class VectorApiBackendTest extends BackendContract {
    @Override
    protected Backend create(WeightPolicy policy) {
        return new CpuBackend(BackendOptions.threads(2).with(policy).withoutMachineCode());
    }
}
