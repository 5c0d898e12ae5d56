package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.CudaStatus;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the resource says of a GPU. */
class HardwareTest {
    @Test
    void theFirstDeviceIsTold() {
        CudaStatus.Device first = new CudaStatus.Device("NVIDIA H200", "0000:1b:00.0", "sm_90", 150L << 30);
        CudaStatus.Device second = new CudaStatus.Device("NVIDIA L4", "0000:1c:00.0", "sm_89", 24L << 30);
        assertThat(Hardware.of(new CudaStatus(true, "13.0", "12.8", List.of(first, second), "", "")))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
                        "hw.type", "gpu",
                        "hw.vendor", "NVIDIA",
                        "hw.id", "0000:1b:00.0",
                        "hw.name", "NVIDIA H200",
                        "hw.driver_version", "13.0",
                        "spandrel.hw.architecture", "sm_90"));
    }

    @Test
    void withoutOneThereIsNothingToTell() {
        assertThat(Hardware.of(new CudaStatus(false, "", "", List.of(), "no device", "have one")))
                .isEmpty();
    }
}
