package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.CUgraphExecUpdateResultInfo_st;
import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Recorded work that is launched as one. Addresses and launch sizes are those of the recording; what changes from launch to
 * launch lies in device memory.
 */
public final class CudaGraph implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(CudaGraph.class.getName());
    /** CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE. */
    private static final int NOT_UPDATED = 910;

    private final MemorySegment graph;
    /** Null once another graph has it. */
    private MemorySegment executable;

    private boolean closed;

    private CudaGraph(MemorySegment graph, MemorySegment executable) {
        this.graph = graph;
        this.executable = executable;
    }

    /** Owns the graph, also when it throws. */
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

    /**
     * Makes a graph launchable by the executable of one that is not needed any more, where the driver finds them alike but for
     * kernels, sizes and parameters; else by an executable of its own. Launches on their way stay what they are.
     *
     * @param worn still to be closed; it is not launched again if it has lost its executable
     */
    static CudaGraph instead(MemorySegment graph, CudaGraph worn) {
        int status;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = CUgraphExecUpdateResultInfo_st.allocate(arena);
            status = cuda_h.cuGraphExecUpdate_v2(worn.executable, graph, info);
            if (status == NOT_UPDATED) {
                LOG.log(System.Logger.Level.DEBUG, "not updated but instantiated: {0}", reason(info));
            }
        }
        if (status == NOT_UPDATED) {
            return instantiate(graph);
        }
        if (status != 0) {
            cuda_h.cuGraphDestroy(graph);
            throw Driver.failure("cuGraphExecUpdate_v2", status);
        }
        CudaGraph made = new CudaGraph(graph, worn.executable);
        worn.executable = null;
        return made;
    }

    /** What CUDA calls the difference, without its prefix. */
    private static String reason(MemorySegment info) {
        int result = CUgraphExecUpdateResultInfo_st.result(info);
        String[] names = {
            "success",
            "error",
            "topology changed",
            "node type changed",
            "function changed",
            "parameters changed",
            "not supported",
            "unsupported function change",
            "attributes changed"
        };
        return result >= 0 && result < names.length ? names[result] : "result " + result;
    }

    /** Enqueues all of it. */
    public void launch(CudaStream stream) {
        if (executable == null) {
            throw new IllegalStateException("another graph has taken over what would be launched");
        }
        Driver.check("cuGraphLaunch", cuda_h.cuGraphLaunch(executable, stream.handle()));
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            try {
                if (executable != null) {
                    Driver.check("cuGraphExecDestroy", cuda_h.cuGraphExecDestroy(executable));
                }
            } finally {
                Driver.check("cuGraphDestroy", cuda_h.cuGraphDestroy(graph));
            }
        }
    }
}
