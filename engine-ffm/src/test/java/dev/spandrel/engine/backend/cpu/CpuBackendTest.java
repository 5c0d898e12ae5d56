package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendContract;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.WeightPolicy;
import org.junit.jupiter.api.Test;

class CpuBackendTest extends BackendContract {
    @Override
    protected Backend create(WeightPolicy policy) {
        // Packed for AMX where there is one, and not multiplied by it: that is AmxBackendTest's.
        return new CpuBackend(BackendOptions.threads(3).with(policy).withAmxFrom(Integer.MAX_VALUE));
    }

    @Override
    protected double inputRounding(WeightFormat format) {
        return rounding(format);
    }

    static double rounding(WeightFormat format) {
        return switch (format) {
            case F32, F16 -> 0;
            case BF16 -> 8e-3;
            default -> 1e-4;
        };
    }

    @Test
    void closingTwiceIsHarmless() {
        CpuBackend backend = new CpuBackend(BackendOptions.threads(2));
        backend.close();
        backend.close();
    }

    @Test
    void refusesBlocksThatVectorsDoNotFit() {
        try (CpuBackend backend = new CpuBackend(BackendOptions.threads(1))) {
            assertThatThrownBy(() -> backend.allocateKv(4, 12, new HeadLayout(1, 1, 8), KvDType.F32))
                    .hasMessageContaining("multiple of")
                    .hasMessageContaining("12");
        }
    }
}
