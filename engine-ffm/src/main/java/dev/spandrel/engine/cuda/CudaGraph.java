package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Recorded work that is launched as one. Addresses and launch sizes are those of the recording; what changes from launch to
 * launch lies in device memory.
 */
public final class CudaGraph implements AutoCloseable {
    private final MemorySegment graph;
    private final MemorySegment executable;
    private boolean closed;

    private CudaGraph(MemorySegment graph, MemorySegment executable) {
        this.graph = graph;
        this.executable = executable;
    }

    static CudaGraph instantiate(MemorySegment graph) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
            int status = cuda_h.cuGraphInstantiateWithFlags(out, graph, 0);
            if (status != 0) {
                cuda_h.cuGraphDestroy(graph);
                throw Driver.failure("cuGraphInstantiateWithFlags", status);
            }
            return new CudaGraph(graph, out.get(ValueLayout.ADDRESS, 0));
        }
    }

    /** Enqueues all of it. */
    public void launch(CudaStream stream) {
        Driver.check("cuGraphLaunch", cuda_h.cuGraphLaunch(executable, stream.handle()));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try {
                Driver.check("cuGraphExecDestroy", cuda_h.cuGraphExecDestroy(executable));
            } finally {
                Driver.check("cuGraphDestroy", cuda_h.cuGraphDestroy(graph));
            }
        }
    }
}
