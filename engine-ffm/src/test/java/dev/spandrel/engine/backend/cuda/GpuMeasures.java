package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.cuda.CuBlas;
import dev.spandrel.engine.cuda.CuBlasLt;
import dev.spandrel.engine.cuda.CudaEvent;
import dev.spandrel.engine.cuda.CudaMemory;
import java.util.Arrays;

/** Device times for the bench, by events on the backend's own stream. */
public final class GpuMeasures {
    /** Of a replayed step with its draw; CudaEngineEmulatedTest counts them. */
    public static final int STEP_DOWNCALLS = 11;

    private static final int RUNS = 21;
    private static final int DOWNCALLS = 200_000;
    private static final long MOST_BYTES = Long.getLong("read.bytes", 4L << 30);
    private static CudaEvent begun;
    private static CudaEvent ended;

    private GpuMeasures() {}

    /**
     * Nanoseconds that the downcalls of a step take by themselves: what a call of the generated bindings costs that reads a number,
     * times {@link #STEP_DOWNCALLS}.
     */
    public static double downcallNanos() {
        long[] nanos = new long[RUNS];
        long sum = 0;
        for (int run = -3; run < RUNS; run++) {
            long begin = System.nanoTime();
            for (int i = 0; i < DOWNCALLS; i++) {
                sum += CuBlasLt.version();
            }
            if (run >= 0) {
                nanos[run] = System.nanoTime() - begin;
            }
        }
        if (sum == 0) {
            throw new IllegalStateException("cuBLASLt has no version");
        }
        Arrays.sort(nanos);
        return (double) nanos[RUNS / 2] / DOWNCALLS * STEP_DOWNCALLS;
    }

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

    /** Median of the device times of some work, after it has run a few times. */
    private static long median(CudaBackend backend, Runnable work) {
        long[] nanos = new long[RUNS];
        for (int run = -3; run < RUNS; run++) {
            begin(backend);
            work.run();
            end(backend);
            long elapsed = elapsedNanos(backend);
            if (run >= 0) {
                nanos[run] = elapsed;
            }
        }
        Arrays.sort(nanos);
        return nanos[RUNS / 2];
    }

    /** Bytes per second that a kernel reads which does nothing else: median over a buffer far larger than any cache. */
    public static double readBandwidth(CudaBackend backend) {
        CudaState state = backend.state();
        long bytes = Math.min(MOST_BYTES, state.availableBytes() / 2) / 4096 * 4096;
        try (CudaMemory memory = CudaMemory.allocate(bytes);
                CudaMemory out = CudaMemory.allocate(16)) {
            memory.clear(state.stream());
            long nanos = median(
                    backend,
                    () -> state.kernels()
                            .plain("stream.cu", "read_all")
                            .with(memory)
                            .with(bytes / 16)
                            .with(out)
                            .launch(state.stream(), 16 * state.device().multiprocessors(), 1, 1, 256, 0));
            return bytes * 1e9 / nanos;
        }
    }

    /** Gives every 16-bit matrix uploaded so far random values. */
    public static void randomize(CudaBackend backend) {
        CudaState state = backend.state();
        for (CudaWeight.Part part : backend.uploaded()) {
            if (part.pitch() > 1) {
                randomize(state, part.data());
            }
        }
        state.stream().synchronize();
    }

    private static void randomize(CudaState state, CudaMemory memory) {
        state.kernels()
                .plain("stream.cu", "randomize")
                .with(memory)
                .with(memory.bytes() / 2)
                .launch(state.stream(), 16 * state.device().multiprocessors(), 1, 1, 256, 0);
    }

    /** What {@link #productNanos} measures, as a report names it. */
    public static String yardstick() {
        return CuBlas.isLoaded()
                ? "cuBLAS, BF16 in and out"
                : "cuBLASLt, BF16 in, F32 out, since libcublas is not here";
    }

    /** Device time of one bare BF16 product by cuBLAS, as anybody would call it. */
    public static long productNanos(CudaBackend backend, int rows, int inner, int columns) {
        CudaState state = backend.state();
        try (CudaMemory in = CudaMemory.allocate(2L * rows * inner);
                CudaMemory weight = CudaMemory.allocate(2L * inner * columns);
                CudaMemory out = CudaMemory.allocate(4L * rows * columns)) {
            for (CudaMemory memory : new CudaMemory[] {in, weight}) {
                randomize(state, memory);
            }
            return median(backend, product(state, rows, inner, columns, in, weight, out));
        }
    }

    private static Runnable product(
            CudaState state, int rows, int inner, int columns, CudaMemory in, CudaMemory weight, CudaMemory out) {
        CuBlasLt.Type type = CuBlasLt.Type.BF16;
        if (CuBlas.isLoaded()) {
            CuBlas.Shape shape = new CuBlas.Shape(rows, inner, columns, inner, inner, columns, type, type, false);
            return () -> state.plainBlas().multiply(shape, in, weight, out);
        }
        CuBlasLt.Shape shape =
                new CuBlasLt.Shape(rows, inner, columns, inner, inner, columns, type, CuBlasLt.Epilogue.NONE, false);
        return () -> state.blas().multiply(shape, in, weight, null, out);
    }
}
