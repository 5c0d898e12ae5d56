package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.cuda.CuBlasLt;
import dev.spandrel.engine.cuda.CudaEvent;
import dev.spandrel.engine.cuda.CudaMemory;
import java.util.Arrays;

/** Device times for the bench, by events on the backend's own stream. */
public final class GpuMeasures {
    private static final int RUNS = 21;
    private static final long MOST_BYTES = Long.getLong("read.bytes", 4L << 30);
    private static CudaEvent begun;
    private static CudaEvent ended;

    private GpuMeasures() {}

    /** Marks where the measured work begins. */
    public static void begin(CudaBackend backend) {
        if (begun == null) {
            begun = new CudaEvent();
            ended = new CudaEvent();
        }
        begun.record(backend.state().stream());
    }

    /** Marks where it ends. */
    public static void end(CudaBackend backend) {
        ended.record(backend.state().stream());
    }

    /** Device time between both marks, once reached. */
    public static long elapsedNanos(CudaBackend backend) {
        backend.state().stream().synchronize();
        return ended.nanosSince(begun);
    }

    /** Bytes per second that a kernel reads which does nothing else: median over a buffer far larger than any cache. */
    public static double readBandwidth(CudaBackend backend) {
        CudaState state = backend.state();
        long bytes = Math.min(MOST_BYTES, state.availableBytes() / 2) / 4096 * 4096;
        try (CudaMemory memory = CudaMemory.allocate(bytes);
                CudaMemory out = CudaMemory.allocate(16)) {
            memory.clear(state.stream());
            long[] nanos = new long[RUNS];
            for (int run = -3; run < RUNS; run++) {
                begin(backend);
                state.kernels()
                        .plain("stream.cu", "read_all")
                        .with(memory)
                        .with(bytes / 16)
                        .with(out)
                        .launch(state.stream(), 16 * state.device().multiprocessors(), 1, 1, 256, 0);
                end(backend);
                long elapsed = elapsedNanos(backend);
                if (run >= 0) {
                    nanos[run] = elapsed;
                }
            }
            Arrays.sort(nanos);
            return bytes * 1e9 / nanos[RUNS / 2];
        }
    }

    /** Gives every 16-bit matrix uploaded so far random values. */
    public static void randomize(CudaBackend backend) {
        CudaState state = backend.state();
        for (CudaWeight.Part part : backend.uploaded()) {
            if (part.pitch() > 1) {
                state.kernels()
                        .plain("stream.cu", "randomize")
                        .with(part.data())
                        .with(part.data().bytes() / 2)
                        .launch(state.stream(), 16 * state.device().multiprocessors(), 1, 1, 256, 0);
            }
        }
        state.stream().synchronize();
    }

    /** Device time of one bare BF16 product by cuBLASLt. */
    public static long productNanos(CudaBackend backend, int rows, int inner, int columns) {
        CudaState state = backend.state();
        CuBlasLt.Shape shape = new CuBlasLt.Shape(
                rows, inner, columns, inner, inner, columns, CuBlasLt.Type.BF16, CuBlasLt.Epilogue.NONE, false);
        try (CudaMemory in = CudaMemory.allocate(2L * rows * inner);
                CudaMemory weight = CudaMemory.allocate(2L * inner * columns);
                CudaMemory out = CudaMemory.allocate(4L * rows * columns)) {
            for (CudaMemory memory : new CudaMemory[] {in, weight}) {
                state.kernels()
                        .plain("stream.cu", "randomize")
                        .with(memory)
                        .with(memory.bytes() / 2)
                        .launch(state.stream(), 16 * state.device().multiprocessors(), 1, 1, 256, 0);
            }
            long[] nanos = new long[RUNS];
            for (int run = -3; run < RUNS; run++) {
                begin(backend);
                state.blas().multiply(shape, in, weight, null, out);
                end(backend);
                long elapsed = elapsedNanos(backend);
                if (run >= 0) {
                    nanos[run] = elapsed;
                }
            }
            Arrays.sort(nanos);
            return nanos[RUNS / 2];
        }
    }
}
