package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One device, as its driver describes it.
 *
 * @param ordinal among those visible, from 0
 * @param major of its compute capability
 * @param minor of its compute capability
 * @param totalBytes device memory
 * @param sharedBytes most shared memory of a block, with opting in
 * @param pciBusId as {@code nvidia-smi} shows it
 */
public record CudaDevice(
        int ordinal,
        String name,
        int major,
        int minor,
        int multiprocessors,
        long totalBytes,
        int sharedBytes,
        String pciBusId) {

    private static final int NAME_BYTES = 256;

    /** @throws CudaException when there is no such device */
    public static CudaDevice of(int ordinal) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocate(ValueLayout.JAVA_INT);
            Driver.check("cuDeviceGet", cuda_h.cuDeviceGet(number, ordinal));
            int device = number.get(ValueLayout.JAVA_INT, 0);
            MemorySegment name = arena.allocate(NAME_BYTES);
            Driver.check("cuDeviceGetName", cuda_h.cuDeviceGetName(name, NAME_BYTES, device));
            MemorySegment bytes = arena.allocate(ValueLayout.JAVA_LONG);
            Driver.check("cuDeviceTotalMem_v2", cuda_h.cuDeviceTotalMem_v2(bytes, device));
            MemorySegment bus = arena.allocate(NAME_BYTES);
            Driver.check("cuDeviceGetPCIBusId", cuda_h.cuDeviceGetPCIBusId(bus, NAME_BYTES, device));
            return new CudaDevice(
                    ordinal,
                    name.getString(0),
                    attribute(device, cuda_h.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR(), number),
                    attribute(device, cuda_h.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR(), number),
                    attribute(device, cuda_h.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT(), number),
                    bytes.get(ValueLayout.JAVA_LONG, 0),
                    attribute(device, cuda_h.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN(), number),
                    bus.getString(0));
        }
    }

    private static int attribute(int device, int which, MemorySegment into) {
        Driver.check("cuDeviceGetAttribute", cuda_h.cuDeviceGetAttribute(into, which, device));
        return into.get(ValueLayout.JAVA_INT, 0);
    }

    /** {@code sm_90} and the like. */
    public String architecture() {
        return "sm_" + major + minor;
    }

    /** Whether kernels may begin before their predecessor has ended (programmatic dependent launch). */
    public boolean overlapsLaunches() {
        return major >= 9;
    }
}
