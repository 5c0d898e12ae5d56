package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A device's primary context. A context is current per thread of the operating system: each thread that calls CUDA says
 * {@link #makeCurrent} first, and none of them may be a virtual one. Whoever opened it closes it, after everything in it.
 */
public final class CudaContext implements AutoCloseable {
    private final CudaDevice device;
    private final MemorySegment handle;
    private boolean closed;

    private CudaContext(CudaDevice device, MemorySegment handle) {
        this.device = device;
        this.handle = handle;
    }

    /** Retains the context and makes it current on the calling thread. */
    public static CudaContext open(CudaDevice device) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            Driver.check("cuDevicePrimaryCtxRetain", cuda_h.cuDevicePrimaryCtxRetain(out, device.ordinal()));
            CudaContext context = new CudaContext(device, out.get(ValueLayout.ADDRESS, 0));
            try {
                context.makeCurrent();
            } catch (CudaException e) {
                context.close();
                throw e;
            }
            return context;
        }
    }

    public CudaDevice device() {
        return device;
    }

    /** For the calling thread. */
    public void makeCurrent() {
        Driver.check("cuCtxSetCurrent", cuda_h.cuCtxSetCurrent(handle));
    }

    /** Waits for everything in the context. */
    public void synchronize() {
        Driver.check("cuCtxSynchronize", cuda_h.cuCtxSynchronize());
    }

    /** Device memory that nobody has, in bytes. */
    public long freeBytes() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(ValueLayout.JAVA_LONG);
            MemorySegment total = arena.allocate(ValueLayout.JAVA_LONG);
            Driver.check("cuMemGetInfo_v2", cuda_h.cuMemGetInfo_v2(free, total));
            return free.get(ValueLayout.JAVA_LONG, 0);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Driver.check("cuDevicePrimaryCtxRelease_v2", cuda_h.cuDevicePrimaryCtxRelease_v2(device.ordinal()));
        }
    }
}
