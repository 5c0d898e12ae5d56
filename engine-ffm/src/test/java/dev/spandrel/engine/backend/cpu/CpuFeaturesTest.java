package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.WeightFormat;
import org.junit.jupiter.api.Test;

class CpuFeaturesTest {
    private static final String SAPPHIRE_RAPIDS = """
            processor\t: 0
            vendor_id\t: GenuineIntel
            model name\t: Intel(R) Xeon(R) Platinum 8481C
            flags\t\t: fpu avx2 avx512f avx512_bf16 avx512_vnni amx_bf16 amx_tile amx_int8

            processor\t: 1
            vendor_id\t: Other
            """;

    @Test
    void readsTheFirstProcessor() {
        CpuFeatures cpu = CpuFeatures.parse(SAPPHIRE_RAPIDS);
        assertThat(cpu.refusal()).isNull();
        assertThat(cpu.vendor()).isEqualTo("GenuineIntel");
        assertThat(cpu.isAmd()).isFalse();
        assertThat(cpu.has("amx_tile")).isTrue();
        assertThat(cpu.has("amx")).isFalse();
    }

    @Test
    void threadsThatShareACoreCountOnce() {
        assertThat(CpuFeatures.threadsPerCore("siblings\t: 16\ncpu cores\t: 8\n"))
                .isEqualTo(2);
        assertThat(CpuFeatures.threadsPerCore("siblings\t: 2\ncpu cores\t: 2\n"))
                .isOne();
        assertThat(CpuFeatures.threadsPerCore("Features\t: neon\n")).isOne();
        assertThat(CpuFeatures.physicalCores(1)).isOne();
    }

    @Test
    void refusesWhatMachineCodeIsNotWrittenFor() {
        assertThat(CpuFeatures.detect("Mac OS X", "aarch64").refusal())
                .contains("Linux")
                .contains("Mac OS X");
        assertThat(CpuFeatures.detect("Linux", "aarch64").refusal())
                .contains("x86-64")
                .contains("aarch64");
        assertThat(CpuFeatures.parse("nothing here").flags()).containsExactly("");
    }

    @Test
    void amxNeedsItsFlagsAndTheKernelsLeave() {
        CpuFeatures cpu = CpuFeatures.parse(SAPPHIRE_RAPIDS);
        assertThat(AmxKernels.refusal(cpu, () -> 0)).isNull();
        assertThat(AmxKernels.refusal(cpu, () -> -1))
                .contains("refuses tile state")
                .contains("-1");
        CpuFeatures without = CpuFeatures.parse(SAPPHIRE_RAPIDS.replace(" amx_int8", ""));
        assertThat(AmxKernels.refusal(without, () -> {
                    throw new AssertionError("nobody is asked");
                }))
                .isEqualTo("the processor has no amx_int8");
        assertThat(AmxKernels.refusal(CpuFeatures.detect("Windows 11", "amd64"), () -> 0))
                .contains("Linux");
    }

    /** What is refused here is refused with a reason; where nothing is, the contract has run it. */
    @Test
    void thisMachineHasItOrSaysWhyNot() {
        boolean flags = MachineKernels.cpu().has("amx_tile");
        assertThat(AmxKernels.refusal() == null).isEqualTo(AmxKernels.supports(WeightFormat.BF16));
        if (!flags) {
            assertThat(AmxKernels.refusal()).isNotBlank();
        }
        boolean avx512 = MachineKernels.cpu().has("avx512f");
        assertThat(MachineKernels.refusal() == null).isEqualTo(avx512 && MachineKernels.supports(WeightFormat.F32));
    }
}
