package dev.spandrel.engine.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.cuda.EmulatedCuda;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Attention on tensor cores, by the fragments that the emulation makes lane by lane of the layouts in the PTX manual. */
class PromptAttentionEmulatedTest extends PromptAttentionContract {
    private static EmulatedCuda cuda;

    @BeforeAll
    static void emulate() {
        cuda = EmulatedCuda.open();
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        return new CudaBackend(CudaTesting.fast(policy));
    }

    @AfterAll
    static void everyKernelRanAndNothingIsLeft() {
        for (int width : new int[] {64, 96, 128, 256}) {
            assertThat(cuda.launches("prefill_" + width)).as("width %d", width).isPositive();
        }
        assertThat(cuda.launches("attention")).isPositive();
        cuda.assertNothingIsLeft();
    }
}
