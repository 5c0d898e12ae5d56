package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.DeviceStats;
import dev.spandrel.engine.cuda.CuBlas;
import dev.spandrel.engine.cuda.CuBlasLt;
import dev.spandrel.engine.cuda.CudaContext;
import dev.spandrel.engine.cuda.CudaDevice;
import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.CudaLibrary;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaProbe;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.DeviceMemoryPool;
import dev.spandrel.engine.cuda.KernelCache;
import dev.spandrel.engine.cuda.KernelCompiler;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * What a CUDA backend owns, in the order it is opened; closing goes the other way and tries everything, since a device that has
 * failed answers every call with its failure.
 */
final class CudaState {
    private static final System.Logger LOG = System.getLogger(CudaState.class.getName());
    /** Left for what is taken after the KV cache: recorded passes and modules that the driver keeps. */
    private static final long RESERVE_SHARE = 50;

    private final CudaOptions options;
    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private String driver = "";
    private CudaContext context;
    private CudaStream stream;
    private DeviceMemoryPool pool;
    private WeightUploader uploader;
    private StepBlock block;
    private CudaSteps steps;
    private CudaKernels kernels;
    private CudaMemory workspace;
    private CuBlasLt blas;
    private CuBlas plainBlas;
    private Products products;
    private Pointwise pointwise;
    private PromptAttention prompts;
    private Attention attention;
    private Sampling sampling;
    private Thread current;
    private boolean closed;

    private CudaState(CudaOptions options) {
        this.options = options;
    }

    static CudaState open(CudaOptions options) {
        CudaState state = new CudaState(options);
        try {
            state.openAll();
        } catch (RuntimeException | Error e) {
            state.close(List.of());
            throw e;
        }
        return state;
    }

    private void openAll() {
        if (CudaLibrary.probe(options.settings()) instanceof CudaProbe.Present present) {
            driver = present.driver();
        }
        context = keep(CudaContext.open(CudaDevice.of(0)));
        current = Thread.currentThread();
        stream = keep(new CudaStream());
        pool = keep(new DeviceMemoryPool(options.slabBytes()));
        uploader = keep(new WeightUploader(pool, stream, options.stagingBytes()));
        block = keep(new StepBlock(options.stepBytes(), stream));
        steps = keep(new CudaSteps(stream, block, options.records()));
        KernelCache cache = new KernelCache(options.settings().kernelCache(), KernelCompiler.version());
        kernels = keep(new CudaKernels(context.device(), cache));
        sampling = keep(new Sampling(kernels, stream, pool));
        workspace = pool.take(options.workspaceBytes());
        blas = keep(new CuBlasLt(stream, workspace));
        int processors = context.device().multiprocessors();
        products = new Products(kernels, stream, pool, blas, this::plainBlas, processors, options.exact());
        pointwise = new Pointwise(kernels, stream, processors);
        prompts = new PromptAttention(kernels, stream, context.device(), options.exact());
        attention = new Attention(kernels, stream, pool, options.scratchBytes(), processors, prompts);
    }

    private <T extends AutoCloseable> T keep(T thing) {
        open.push(thing);
        return thing;
    }

    /** The context is current per thread: the engine opens on one and runs on another. */
    void enter() {
        if (closed) {
            throw new IllegalStateException("the backend is closed");
        }
        if (current != Thread.currentThread()) {
            context.makeCurrent();
            current = Thread.currentThread();
        }
    }

    /** What {@code --gpu-memory-utilization} leaves, less a reserve. */
    long availableBytes() {
        long total = context.device().totalBytes();
        long free = context.freeBytes();
        long allowed = (long) (total * options.memoryUtilization()) - (total - free);
        return Math.max(0, Math.min(allowed, free) - total / RESERVE_SHARE);
    }

    /** Asks the device nothing, so that any thread may call. */
    DeviceStats stats() {
        CudaDevice device = context.device();
        return new DeviceStats(
                device.name(),
                device.pciBusId(),
                device.architecture(),
                driver,
                device.totalBytes(),
                pool.takenBytes() + options.stepBytes(),
                steps.steps(),
                steps.stepNanos());
    }

    CudaOptions options() {
        return options;
    }

    CudaDevice device() {
        return context.device();
    }

    CudaStream stream() {
        return stream;
    }

    DeviceMemoryPool pool() {
        return pool;
    }

    WeightUploader uploader() {
        return uploader;
    }

    StepBlock block() {
        return block;
    }

    CudaSteps steps() {
        return steps;
    }

    CudaKernels kernels() {
        return kernels;
    }

    CuBlasLt blas() {
        return blas;
    }

    /** cuBLAS itself, opened when first asked for. */
    CuBlas plainBlas() {
        if (plainBlas == null) {
            plainBlas = keep(new CuBlas(stream, workspace));
        }
        return plainBlas;
    }

    Products products() {
        return products;
    }

    Pointwise pointwise() {
        return pointwise;
    }

    PromptAttention prompts() {
        return prompts;
    }

    Attention attention() {
        return attention;
    }

    Sampling sampling() {
        return sampling;
    }

    /** Never throws: whoever closes has no use for it, and the first failure was told when it happened. */
    void close(List<AutoCloseable> others) {
        if (closed) {
            return;
        }
        List<AutoCloseable> all = new ArrayList<>(others);
        all.addAll(open);
        try {
            if (context != null) {
                enter();
                // A pass may be on its way whose tokens nobody waits for any more.
                context.synchronize();
            }
        } catch (CudaException e) {
            // What follows fails alike, and is tried: the driver may let go of it nevertheless.
            tell(e);
        }
        closed = true;
        try {
            Closing.all(all);
        } catch (CudaException e) {
            tell(e);
        }
    }

    private static void tell(CudaException failure) {
        LOG.log(System.Logger.Level.WARNING, "closing the CUDA backend: {0}", failure.getMessage());
    }
}
