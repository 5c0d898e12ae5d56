package dev.spandrel.engine.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.cuda.CudaDevice;
import dev.spandrel.engine.cuda.EmulatedCuda;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Tiles of prompts on a device with as little shared memory as Turing: 16 rows, or 8 where heads are wide. */
class SmallTilesEmulatedTest extends PromptTilesContract {
    private static EmulatedCuda cuda;

    @BeforeAll
    static void emulate() {
        cuda = EmulatedCuda.open();
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        cuda.sharedBytes(64 << 10);
        return new CudaBackend(CudaTesting.exact(policy));
    }

    private static PromptForm form(int heads, int kvHeads, int headDim, KvDType dtype) {
        return PromptForm.exact(new HeadLayout(heads, kvHeads, headDim), dtype, CudaDevice.of(0));
    }

    @Test
    void rowsAreAsManyAsThereIsRoomFor() {
        assertThat(form(4, 2, 64, KvDType.F32).rows()).isEqualTo(16);
        assertThat(form(2, 2, 128, KvDType.F32).rows()).isEqualTo(16);
        assertThat(form(1, 1, 256, KvDType.F32).rows()).isEqualTo(8);
        assertThat(form(1, 1, 32, KvDType.F16).rows()).isEqualTo(32);
        assertThat(form(20, 1, 128, KvDType.F32)).as("more heads than rows").isNull();
        assertThat(form(2, 2, 7, KvDType.F32)).as("no multiple of 16 bytes").isNull();
        cuda.sharedBytes(227 << 10);
        assertThat(form(1, 1, 256, KvDType.F32).rows()).isEqualTo(32);
        assertThat(form(20, 1, 128, KvDType.F32).rows()).isEqualTo(32);
    }
}
