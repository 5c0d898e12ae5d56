package dev.spandrel.server.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.DeviceStats;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class DeviceMetricsTest {
    @Test
    void tellsOfTheDevice() {
        PrometheusText text = new PrometheusText(false);
        text.labels("engine=\"0\"");
        DeviceMetrics.write(
                text, new DeviceStats("NVIDIA H200", "0000:1B:00.0", "sm_90", "13.0", 1000, 900, 4, 2_500_000_000L));
        assertThat(new String(text.bytes(), StandardCharsets.UTF_8))
                .contains("gpu=\"NVIDIA H200\",pci_bus_id=\"0000:1B:00.0\",architecture=\"sm_90\",cuda=\"13.0\"} 1.0")
                .containsPattern("spandrel_gpu_memory_used_bytes\\{[^}]*} 900\\.0")
                .containsPattern("spandrel_gpu_step_seconds_total\\{[^}]*} 2\\.5");
    }
}
