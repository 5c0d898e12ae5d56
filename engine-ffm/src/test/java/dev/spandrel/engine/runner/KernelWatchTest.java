package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.KernelRate;
import dev.spandrel.engine.backend.WeightFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

class KernelWatchTest {
    private static final KernelRate SLOW = new KernelRate("matmul F32, 6 rows", 1.24, 8);
    private static final KernelRate FAST = new KernelRate("matmul F32, 1 row", 20, 1);

    @Test
    void everyFormatIsMeasuredByOneRowAndByMore() {
        List<KernelRate> rates = Engine.kernelRates();
        assertThat(rates).allSatisfy(rate -> assertThat(rate.gigaflops()).isPositive());
        List<String> kernels = rates.stream().map(KernelRate::kernel).toList();
        for (WeightFormat format : WeightFormat.values()) {
            assertThat(kernels).contains("matmul " + format + ", 1 row", "matmul " + format + ", 6 rows");
        }
        assertThat(kernels).contains("attention F32, 1 row").doesNotHaveDuplicates();
    }

    @Test
    void aSlowKernelIsNamedWithBothNumbersAndAFastOneIsNot() {
        List<String> logged = new ArrayList<>();
        Logger logger = Logger.getLogger(KernelWatch.class.getName());
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                logged.add(line.getLevel() + " " + line.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        try {
            KernelWatch.warn(List.of(FAST, SLOW));
        } finally {
            logger.removeHandler(handler);
        }
        assertThat(logged)
                .singleElement()
                .asString()
                .startsWith("WARNING kernel matmul F32, 6 rows runs at 1.2 GFLOP/s")
                .contains("at least 8");
    }
}
