package dev.spandrel.server.telemetry;

import dev.spandrel.engine.DeviceStats;

/** {@code spandrel_gpu_*}: the device behind the engine, where there is one; vLLM has no names for these. */
final class DeviceMetrics {
    private static final double NANOS = 1e9;

    private DeviceMetrics() {}

    static void write(PrometheusText out, DeviceStats device) {
        out.family("spandrel_gpu_info", "gauge", "The device, as labels.")
                .sample(
                        "spandrel_gpu_info",
                        String.join(
                                ",",
                                PrometheusText.label("gpu", device.name()),
                                PrometheusText.label("pci_bus_id", device.id()),
                                PrometheusText.label("architecture", device.architecture()),
                                PrometheusText.label("cuda", device.driver())),
                        1);
        out.gauge("spandrel_gpu_memory_total_bytes", "Memory of the device.", device.totalBytes());
        out.gauge("spandrel_gpu_memory_used_bytes", "Memory that this engine holds there.", device.usedBytes());
        out.counter("spandrel_gpu_steps", "Steps whose device time is known.", device.steps());
        out.counter("spandrel_gpu_step_seconds", "Device time of these steps.", device.stepNanos() / NANOS);
    }
}
