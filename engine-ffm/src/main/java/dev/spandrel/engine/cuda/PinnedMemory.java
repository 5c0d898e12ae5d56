package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Host memory that the device copies from and to without the driver's own staging. */
public final class PinnedMemory implements AutoCloseable {
    private final MemorySegment segment;
    private boolean closed;

    public PinnedMemory(long bytes) {
        segment = allocate(bytes);
    }

    @SuppressWarnings("restricted")
    private static MemorySegment allocate(long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            Driver.check("cuMemHostAlloc", cuda_h.cuMemHostAlloc(out, bytes, 0));
            return out.get(ValueLayout.ADDRESS, 0).reinterpret(bytes);
        }
    }

    /** The memory; not to be touched after {@link #close}. */
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Driver.check("cuMemFreeHost", cuda_h.cuMemFreeHost(segment));
        }
    }
}
