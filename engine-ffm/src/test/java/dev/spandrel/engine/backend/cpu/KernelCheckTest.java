package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.KernelRate;
import org.junit.jupiter.api.Test;

/** How a kernel's rate is found: on the thread's own processor time, until it is plausible or time is up. */
class KernelCheckTest {
    private static final long BUDGET = 20_000_000;

    private double sink;
    private int calls;

    /** Ten thousand logarithms for one multiply-add, as a kernel in a slow tier does. */
    private void slow() {
        calls++;
        for (int i = 1; i <= 10_000; i++) {
            sink += Math.log(i + sink);
        }
    }

    @Test
    void aSlowKernelIsBelowItsFloorWhenItsTimeIsUp() {
        double rate = KernelCheck.measure(this::slow, 2, 8, BUDGET);
        assertThat(rate).isPositive();
        assertThat(new KernelRate("slow", rate, 8).plausible()).isFalse();
    }

    @Test
    void aFastOneIsLeftAtOnce() {
        double rate = KernelCheck.measure(this::slow, 1e12, 8, BUDGET);
        assertThat(new KernelRate("fast", rate, 8).plausible()).isTrue();
        assertThat(calls).isEqualTo(20);
    }
}
