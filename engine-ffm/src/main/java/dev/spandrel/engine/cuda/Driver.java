package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Checks of driver calls, and the calls that belong to no handle. */
final class Driver {
    private Driver() {}

    /** @throws CudaException unless {@code status} is success */
    static void check(String call, int status) {
        if (status != 0) {
            throw failure(call, status);
        }
    }

    static CudaException failure(String call, int status) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(ValueLayout.ADDRESS);
            String name = "CUDA_ERROR_" + status;
            if (cuda_h.cuGetErrorName(status, text) == 0) {
                name = string(text);
            }
            String description = cuda_h.cuGetErrorString(status, text) == 0 ? string(text) : "";
            return new CudaException(call, status, name, description);
        }
    }

    @SuppressWarnings("restricted")
    private static String string(MemorySegment pointer) {
        return pointer.get(ValueLayout.ADDRESS, 0).reinterpret(Long.MAX_VALUE).getString(0);
    }

    static void init() {
        check("cuInit", cuda_h.cuInit(0));
    }

    /** 1000 × major + 10 × minor. */
    static int driverVersion() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment version = arena.allocate(ValueLayout.JAVA_INT);
            check("cuDriverGetVersion", cuda_h.cuDriverGetVersion(version));
            return version.get(ValueLayout.JAVA_INT, 0);
        }
    }

    static int deviceCount() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment count = arena.allocate(ValueLayout.JAVA_INT);
            check("cuDeviceGetCount", cuda_h.cuDeviceGetCount(count));
            return count.get(ValueLayout.JAVA_INT, 0);
        }
    }
}
