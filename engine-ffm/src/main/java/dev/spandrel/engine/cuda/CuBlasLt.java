package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.cublas.cublas_v2_h;
import dev.spandrel.cuda.bindings.cublaslt.cublasLtMatmulHeuristicResult_t;
import dev.spandrel.cuda.bindings.cublaslt.cublasLt_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Matrix products by cuBLASLt. The heuristics are asked once per shape and their choice is kept, with the descriptors: RAFT
 * halved its host time per product that way. One thread, one stream.
 */
public final class CuBlasLt implements AutoCloseable {
    /** CUBLAS_STATUS_NOT_SUPPORTED. */
    private static final int NOT_SUPPORTED = 15;

    /** Element types of the operands. */
    public enum Type {
        F32(0),
        F16(2),
        BF16(14);

        private final int number;

        Type(int number) {
            this.number = number;
        }

        int number() {
            return number;
        }
    }

    /** What the product does at its end; GELU is the tanh form. */
    public enum Epilogue {
        NONE(1),
        RELU(2),
        BIAS(4),
        RELU_BIAS(6),
        GELU(32),
        GELU_BIAS(36);

        private final int number;

        Epilogue(int number) {
            this.number = number;
        }

        boolean hasBias() {
            return (number & BIAS.number) != 0;
        }
    }

    /**
     * A product {@code out[rows, columns] = in[rows, inner] × weight[columns, inner]ᵀ}, all row-major, sums in F32, out in F32.
     *
     * @param pitch elements from one row of the weight to the next
     * @param inPitch elements from one row of {@code in} to the next
     * @param outPitch elements from one row of {@code out} to the next
     * @param accumulate whether to add to what is in {@code out}
     */
    public record Shape(
            int rows,
            int inner,
            int columns,
            int pitch,
            int inPitch,
            int outPitch,
            Type type,
            Epilogue epilogue,
            boolean accumulate) {}

    private record Plan(
            MemorySegment descriptor,
            MemorySegment weight,
            MemorySegment in,
            MemorySegment out,
            MemorySegment algorithm) {}

    private final CudaStream stream;
    private final CudaMemory workspace;
    private final MemorySegment handle;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment scalars;
    private final MemorySegment biasPointer;
    /** Empty where there is no algorithm. */
    private final Map<Shape, Optional<Plan>> plans = new HashMap<>();

    private boolean closed;

    /** @param workspace which products on the same stream may share; it outlives this */
    public CuBlasLt(CudaStream stream, CudaMemory workspace) {
        this.stream = stream;
        this.workspace = workspace;
        scalars = arena.allocate(ValueLayout.JAVA_FLOAT, 2);
        scalars.setAtIndex(ValueLayout.JAVA_FLOAT, 0, 1);
        biasPointer = arena.allocate(ValueLayout.JAVA_LONG);
        MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
        check("cublasLtCreate", cublasLt_h.cublasLtCreate(out));
        handle = out.get(ValueLayout.ADDRESS, 0);
    }

    /** cuBLASLt's version, e.g. 130000. */
    public static long version() {
        return cublasLt_h.cublasLtGetVersion();
    }

    /** Whether there is an algorithm for it; asked once. */
    public boolean supports(Shape shape) {
        Optional<Plan> known = plans.get(shape);
        if (known == null) {
            known = Optional.ofNullable(plan(shape));
            plans.put(shape, known);
        }
        return known.isPresent();
    }

    /**
     * Enqueues a product that is {@linkplain #supports supported}.
     *
     * @param bias columns × F32, where the epilogue has one
     */
    public void multiply(Shape shape, CudaMemory in, CudaMemory weight, CudaMemory bias, CudaMemory out) {
        if (!supports(shape)) {
            throw new IllegalArgumentException("no algorithm for " + shape);
        }
        Plan plan = plans.get(shape).orElseThrow();
        if (shape.epilogue().hasBias()) {
            biasPointer.set(ValueLayout.JAVA_LONG, 0, bias.address());
            attribute(plan.descriptor, cublasLt_h.CUBLASLT_MATMUL_DESC_BIAS_POINTER(), biasPointer);
        }
        MemorySegment one = scalars;
        MemorySegment beta = shape.accumulate() ? one : scalars.asSlice(4);
        MemorySegment to = MemorySegment.ofAddress(out.address());
        check(
                "cublasLtMatmul",
                cublasLt_h.cublasLtMatmul(
                        handle,
                        plan.descriptor,
                        one,
                        MemorySegment.ofAddress(weight.address()),
                        plan.weight,
                        MemorySegment.ofAddress(in.address()),
                        plan.in,
                        beta,
                        to,
                        plan.out,
                        to,
                        plan.out,
                        plan.algorithm,
                        MemorySegment.ofAddress(workspace.address()),
                        workspace.bytes(),
                        stream.handle()));
    }

    /** Null without an algorithm. Row-major out = in × weightᵀ is, column by column, outᵀ = weight (transposed as stored) × inᵀ. */
    private Plan plan(Shape shape) {
        MemorySegment descriptor = create(
                "cublasLtMatmulDescCreate",
                out -> cublasLt_h.cublasLtMatmulDescCreate(out, cublas_v2_h.CUBLAS_COMPUTE_32F(), Type.F32.number));
        MemorySegment weight = null;
        MemorySegment in = null;
        MemorySegment out = null;
        try {
            set(descriptor, cublasLt_h.CUBLASLT_MATMUL_DESC_TRANSA(), cublas_v2_h.CUBLAS_OP_T());
            set(descriptor, cublasLt_h.CUBLASLT_MATMUL_DESC_EPILOGUE(), shape.epilogue().number);
            weight = layout(shape.type(), shape.inner(), shape.columns(), shape.pitch());
            in = layout(shape.type(), shape.inner(), shape.rows(), shape.inPitch());
            out = layout(Type.F32, shape.columns(), shape.rows(), shape.outPitch());
            MemorySegment algorithm = algorithm(descriptor, weight, in, out);
            if (algorithm == null) {
                release(descriptor, weight, in, out);
                return null;
            }
            return new Plan(descriptor, weight, in, out, algorithm);
        } catch (CudaException e) {
            release(descriptor, weight, in, out);
            throw e;
        }
    }

    private MemorySegment algorithm(
            MemorySegment descriptor, MemorySegment weight, MemorySegment in, MemorySegment out) {
        MemorySegment preference = create("cublasLtMatmulPreferenceCreate", cublasLt_h::cublasLtMatmulPreferenceCreate);
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment bytes = scratch.allocateFrom(ValueLayout.JAVA_LONG, workspace.bytes());
            check(
                    "cublasLtMatmulPreferenceSetAttribute",
                    cublasLt_h.cublasLtMatmulPreferenceSetAttribute(
                            preference, cublasLt_h.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES(), bytes, 8));
            MemorySegment result = cublasLtMatmulHeuristicResult_t.allocate(arena);
            MemorySegment count = scratch.allocate(ValueLayout.JAVA_INT);
            int status = cublasLt_h.cublasLtMatmulAlgoGetHeuristic(
                    handle, descriptor, weight, in, out, out, preference, 1, result, count);
            if (status == NOT_SUPPORTED || status == 0 && count.get(ValueLayout.JAVA_INT, 0) == 0) {
                return null;
            }
            check("cublasLtMatmulAlgoGetHeuristic", status);
            return cublasLtMatmulHeuristicResult_t.algo(result);
        } finally {
            cublasLt_h.cublasLtMatmulPreferenceDestroy(preference);
        }
    }

    private static MemorySegment layout(Type type, long rows, long columns, long pitch) {
        return create(
                "cublasLtMatrixLayoutCreate",
                out -> cublasLt_h.cublasLtMatrixLayoutCreate(out, type.number, rows, columns, pitch));
    }

    private static void set(MemorySegment descriptor, int attribute, int value) {
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment number = scratch.allocateFrom(ValueLayout.JAVA_INT, value);
            attribute(descriptor, attribute, number);
        }
    }

    private static void attribute(MemorySegment descriptor, int attribute, MemorySegment value) {
        check(
                "cublasLtMatmulDescSetAttribute",
                cublasLt_h.cublasLtMatmulDescSetAttribute(descriptor, attribute, value, value.byteSize()));
    }

    @FunctionalInterface
    private interface Creation {
        int into(MemorySegment out);
    }

    private static MemorySegment create(String call, Creation creation) {
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment out = scratch.allocate(ValueLayout.ADDRESS);
            check(call, creation.into(out));
            return out.get(ValueLayout.ADDRESS, 0);
        }
    }

    private static void release(MemorySegment descriptor, MemorySegment... layouts) {
        for (MemorySegment layout : layouts) {
            if (layout != null) {
                cublasLt_h.cublasLtMatrixLayoutDestroy(layout);
            }
        }
        cublasLt_h.cublasLtMatmulDescDestroy(descriptor);
    }

    @SuppressWarnings("restricted")
    private static void check(String call, int status) {
        if (status != 0) {
            throw new CudaException(
                    call,
                    status,
                    cublasLt_h
                            .cublasLtGetStatusName(status)
                            .reinterpret(Long.MAX_VALUE)
                            .getString(0),
                    cublasLt_h
                            .cublasLtGetStatusString(status)
                            .reinterpret(Long.MAX_VALUE)
                            .getString(0));
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            plans.values().stream()
                    .flatMap(Optional::stream)
                    .forEach(plan -> release(plan.descriptor, plan.weight, plan.in, plan.out));
            plans.clear();
            arena.close();
            check("cublasLtDestroy", cublasLt_h.cublasLtDestroy(handle));
        }
    }
}
