package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A mark in a stream, with the device's time. */
public final class CudaEvent implements AutoCloseable {
    private final MemorySegment handle;
    private boolean closed;

    public CudaEvent() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            Driver.check("cuEventCreate", cuda_h.cuEventCreate(out, 0));
            handle = out.get(ValueLayout.ADDRESS, 0);
        }
    }

    MemorySegment handle() {
        return handle;
    }

    /** Marks what the stream holds so far. */
    public void record(CudaStream stream) {
        Driver.check("cuEventRecord", cuda_h.cuEventRecord(handle, stream.handle()));
    }

    /** Waits until what it marks is done; returns at once when it marks nothing. */
    public void synchronize() {
        Driver.check("cuEventSynchronize", cuda_h.cuEventSynchronize(handle));
    }

    /** Device nanoseconds from {@code earlier} to this one, both reached; about half a microsecond fine. */
    public long nanosSince(CudaEvent earlier) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment millis = arena.allocate(ValueLayout.JAVA_FLOAT);
            Driver.check("cuEventElapsedTime_v2", cuda_h.cuEventElapsedTime_v2(millis, earlier.handle, handle));
            return (long) (millis.get(ValueLayout.JAVA_FLOAT, 0) * 1e6);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Driver.check("cuEventDestroy_v2", cuda_h.cuEventDestroy_v2(handle));
        }
    }
}
