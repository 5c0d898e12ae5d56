package dev.spandrel.server.telemetry;

import dev.spandrel.engine.CudaStatus;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The GPU as resource attributes, by the names of OpenTelemetry's hardware conventions, which have none for the architecture. Of
 * several the first, since that is the one the engine takes.
 */
public final class Hardware {
    private Hardware() {}

    /** Attributes of the resource; none where CUDA cannot be used. */
    public static Map<String, String> of(CudaStatus status) {
        Map<String, String> attributes = new LinkedHashMap<>();
        if (status.available()) {
            CudaStatus.Device device = status.devices().getFirst();
            attributes.put("hw.type", "gpu");
            attributes.put("hw.vendor", "NVIDIA");
            attributes.put("hw.id", device.id());
            attributes.put("hw.name", device.name());
            attributes.put("hw.driver_version", status.driver());
            attributes.put("spandrel.hw.architecture", device.architecture());
        }
        return attributes;
    }
}
