package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

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

    /**
     * As {@link #record}, also while the stream records a graph: then each launch of the graph sets it, and its time may be asked
     * for, which of one that {@link #record} set there it may not.
     */
    public void mark(CudaStream stream, boolean recording) {
        try {
            int status = (int) RecordWithFlags.HANDLE.invokeExact(
                    handle, stream.handle(), recording ? RecordWithFlags.EXTERNAL : 0);
            Driver.check("cuEventRecordWithFlags", status);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a downcall throws nothing of its own", e);
        }
    }

    /** Of CUDA 11.1. It is missing in the list that the bindings were generated from, so it is linked here, when first needed. */
    @SuppressWarnings("restricted")
    private static final class RecordWithFlags {
        /** CU_EVENT_RECORD_EXTERNAL. */
        static final int EXTERNAL = 1;

        static final MethodHandle HANDLE = Linker.nativeLinker()
                .downcallHandle(
                        SymbolLookup.loaderLookup().findOrThrow("cuEventRecordWithFlags"),
                        FunctionDescriptor.of(
                                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
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
