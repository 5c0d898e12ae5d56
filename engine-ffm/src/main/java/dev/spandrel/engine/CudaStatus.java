package dev.spandrel.engine;

import java.util.List;

/**
 * Whether CUDA can be used in this process; {@link Engine#cudaStatus} tells.
 *
 * @param available whether {@code --backend cuda} would find a device
 * @param driver CUDA version that the driver knows; empty where it is not available
 * @param nvrtc version of NVRTC; empty where it is not available
 * @param devices visible devices, in the driver's order
 * @param reason why it is not available; empty where it is
 * @param cure what to do about it; empty where it is available
 */
public record CudaStatus(
        boolean available, String driver, String nvrtc, List<Device> devices, String reason, String cure) {
    public CudaStatus {
        devices = List.copyOf(devices);
    }

    /**
     * A device.
     *
     * @param name as its maker calls it
     * @param id its address on the bus
     * @param architecture e.g. {@code sm_90}
     * @param totalBytes memory it has
     */
    public record Device(String name, String id, String architecture, long totalBytes) {
        @Override
        public String toString() {
            return name + ", " + architecture + ", " + (totalBytes >> 20) + " MiB, " + id;
        }
    }
}
