package dev.spandrel.server.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.KernelRate;
import java.util.List;
import org.junit.jupiter.api.Test;

class KernelChecksTest {
    private static final KernelRate FAST = new KernelRate("matmul F32, 6 rows", 88.25, 8);
    private static final KernelRate SLOW = new KernelRate("matmul BF16, 6 rows", 1.2, 8);

    @Test
    void ratesAreToldAndSlowOnesNamed() {
        assertThat(KernelChecks.finding(List.of(FAST)).text())
                .startsWith("ok")
                .contains("matmul F32, 6 rows: 88.3 GFLOP/s");
        assertThat(KernelChecks.finding(List.of(FAST, SLOW)).text())
                .startsWith("note")
                .contains("implausibly slow: [matmul BF16, 6 rows]");
        assertThat(KernelChecks.finding(List.of()).text()).contains("--add-modules jdk.incubator.vector");
    }
}
