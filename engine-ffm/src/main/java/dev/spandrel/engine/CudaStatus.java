package dev.spandrel.engine;

import java.util.List;

/**
 * Whether CUDA can be used in this process; {@link Engine#cudaStatus} tells.
 *
 * @param available whether {@code --backend cuda} would find a device
 * @param driver CUDA version that the driver knows; empty where it is not available
 * @param nvrtc version of NVRTC; empty where it is not available
 * @param devices visible devices, one line each
 * @param reason why it is not available; empty where it is
 * @param cure what to do about it; empty where it is available
 */
public record CudaStatus(
        boolean available, String driver, String nvrtc, List<String> devices, String reason, String cure) {
    public CudaStatus {
        devices = List.copyOf(devices);
    }
}
