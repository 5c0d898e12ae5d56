package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;

/** Machine code in a context, and its kernels by name. */
public final class CudaModule implements AutoCloseable {
    private final MemorySegment handle;
    private final Map<String, KernelSignature> signatures;
    private final boolean overlaps;
    private final Arena arena = Arena.ofShared();
    private boolean closed;

    private CudaModule(MemorySegment handle, Map<String, KernelSignature> signatures, boolean overlaps) {
        this.handle = handle;
        this.signatures = signatures;
        this.overlaps = overlaps;
    }

    /** Compiles a source for the context's device, or takes it from the cache, and loads it. */
    public static CudaModule load(KernelSource source, CudaDevice device, KernelCache cache) {
        byte[] cubin = cache.cubin(source, device.architecture());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            MemorySegment image = arena.allocate(cubin.length, 64);
            MemorySegment.copy(cubin, 0, image, ValueLayout.JAVA_BYTE, 0, cubin.length);
            Driver.check(
                    "cuModuleLoadDataEx",
                    cuda_h.cuModuleLoadDataEx(out, image, 0, MemorySegment.NULL, MemorySegment.NULL));
            return new CudaModule(
                    out.get(ValueLayout.ADDRESS, 0), KernelSignature.all(source.text()), device.overlapsLaunches());
        }
    }

    /** @throws IllegalArgumentException when the source has no such kernel */
    public CudaKernel kernel(String name) {
        KernelSignature signature = signatures.get(name);
        if (signature == null) {
            throw new IllegalArgumentException("expected one of " + signatures.keySet() + ", found " + name);
        }
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            Driver.check("cuModuleGetFunction", cuda_h.cuModuleGetFunction(out, handle, scratch.allocateFrom(name)));
            return new CudaKernel(out.get(ValueLayout.ADDRESS, 0), signature, overlaps, arena);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            arena.close();
            Driver.check("cuModuleUnload", cuda_h.cuModuleUnload(handle));
        }
    }
}
