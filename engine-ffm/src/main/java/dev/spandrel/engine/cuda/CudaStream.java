package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** An ordered queue of device work. One thread enqueues. */
public final class CudaStream implements AutoCloseable {
    /** Waits for no other stream, the legacy default one included. */
    private static final int NON_BLOCKING = 1;
    /** Calls of other threads that capture cannot hold are their own affair. */
    private static final int CAPTURE_THREAD_LOCAL = 1;

    private final MemorySegment handle;
    private boolean closed;

    public CudaStream() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            Driver.check("cuStreamCreate", cuda_h.cuStreamCreate(out, NON_BLOCKING));
            handle = out.get(ValueLayout.ADDRESS, 0);
        }
    }

    MemorySegment handle() {
        return handle;
    }

    /** Waits for everything enqueued so far; what went wrong meanwhile is thrown here. */
    public void synchronize() {
        Driver.check("cuStreamSynchronize", cuda_h.cuStreamSynchronize(handle));
    }

    /** What is enqueued from here on runs after what the event marks. */
    public void await(CudaEvent event) {
        Driver.check("cuStreamWaitEvent", cuda_h.cuStreamWaitEvent(handle, event.handle(), 0));
    }

    /** From here on work is recorded instead of run. */
    public void beginCapture() {
        Driver.check("cuStreamBeginCapture_v2", cuda_h.cuStreamBeginCapture_v2(handle, CAPTURE_THREAD_LOCAL));
    }

    /** Ends the recording and makes it launchable. */
    public CudaGraph endCapture() {
        return CudaGraph.instantiate(captured());
    }

    /** As {@link #endCapture()}, by what made another launchable, where the driver can; that one is still to be closed. */
    public CudaGraph endCapture(CudaGraph worn) {
        return CudaGraph.instead(captured(), worn);
    }

    private MemorySegment captured() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment graph = arena.allocate(ValueLayout.ADDRESS);
            Driver.check("cuStreamEndCapture", cuda_h.cuStreamEndCapture(handle, graph));
            return graph.get(ValueLayout.ADDRESS, 0);
        }
    }

    /** Ends a recording that failed half-way, and forgets it; never throws. */
    public void abandonCapture() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment graph = arena.allocate(ValueLayout.ADDRESS);
            if (cuda_h.cuStreamEndCapture(handle, graph) == 0) {
                cuda_h.cuGraphDestroy(graph.get(ValueLayout.ADDRESS, 0));
            }
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Driver.check("cuStreamDestroy_v2", cuda_h.cuStreamDestroy_v2(handle));
        }
    }
}
