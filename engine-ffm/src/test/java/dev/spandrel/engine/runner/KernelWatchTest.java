package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.KernelRate;
import org.junit.jupiter.api.Test;

class KernelWatchTest {
    @Test
    void everyFormatIsMeasured() {
        assertThat(Engine.kernelRates())
                .hasSize(11)
                .allSatisfy(rate -> assertThat(rate.gigaflops()).isPositive())
                .extracting(KernelRate::kernel)
                .contains(
                        "matmul F32, 1 row",
                        "matmul BF16, 6 rows",
                        "matmul INT8, 6 rows",
                        "matmul Q4_0, 1 row",
                        "attention F32, 1 row");
    }

    @Test
    void aSlowKernelIsNamedWithBothNumbers() {
        KernelRate slow = new KernelRate("matmul F32, 6 rows", 1.24, 8);
        assertThat(slow.plausible()).isFalse();
        assertThat(KernelWatch.warning(slow))
                .contains("matmul F32, 6 rows runs at 1.2 GFLOP/s")
                .contains("at least 8");
    }
}
