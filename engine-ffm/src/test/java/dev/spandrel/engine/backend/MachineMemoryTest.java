package dev.spandrel.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MachineMemoryTest {
    @Test
    void readsWhatLinuxCallsAvailable() {
        assertThat(MachineMemory.parse("MemTotal: 100 kB\nMemAvailable:   24000 kB\n"))
                .isEqualTo(24_576_000);
        assertThat(MachineMemory.parse("MemTotal: 100 kB\n")).isEqualTo(Long.MAX_VALUE);
        assertThat(MachineMemory.available()).isPositive();
    }
}
