package dev.spandrel.engine.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.cuda.EmulatedCuda;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Tiles of prompts in F32 on the emulated device. */
class PromptTilesEmulatedTest extends PromptTilesContract {
    private static EmulatedCuda cuda;

    @BeforeAll
    static void emulate() {
        cuda = EmulatedCuda.open();
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        return new CudaBackend(CudaTesting.exact(policy));
    }

    @AfterAll
    static void bothKernelsRanAndNothingIsLeft() {
        assertThat(cuda.launches("prefill_exact")).isPositive();
        assertThat(cuda.launches("attention")).isPositive();
        cuda.assertNothingIsLeft();
    }
}
