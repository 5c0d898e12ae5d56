package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.cublas.cublas_v2_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;

/**
 * Matrix products by cuBLAS: a call each, with no plan before it and nothing behind the sums. It serves shapes that cuBLASLt has no
 * algorithm for, and is what benches measure against. F32 operands are multiplied as F32, never as TF32. One thread, one stream;
 * opening takes cuBLAS some time and memory, so it is opened when first needed.
 */
public final class CuBlas implements AutoCloseable {
    /**
     * A product {@code out[rows, columns] = in[rows, inner] × weight[columns, inner]ᵀ}, all row-major, sums in F32.
     *
     * @param pitch elements from one row of the weight to the next
     * @param inPitch elements from one row of {@code in} to the next
     * @param outPitch elements from one row of {@code out} to the next
     * @param type of {@code in} and the weight
     * @param outType F32, or as {@code type}
     * @param accumulate whether to add to what is in {@code out}
     */
    public record Shape(
            int rows,
            int inner,
            int columns,
            int pitch,
            int inPitch,
            int outPitch,
            CuBlasLt.Type type,
            CuBlasLt.Type outType,
            boolean accumulate) {
        public Shape {
            if (outType != CuBlasLt.Type.F32 && outType != type) {
                throw new IllegalArgumentException("expected output in F32 or " + type + ", found " + outType);
            }
        }
    }

    private final Arena arena = Arena.ofShared();
    private final MemorySegment one;
    private final MemorySegment zero;
    private final MemorySegment handle;
    private int mathMode = -1;
    private boolean closed;

    /** @param workspace which products on the same stream may share; it outlives this */
    public CuBlas(CudaStream stream, CudaMemory workspace) {
        one = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1f);
        zero = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 0f);
        handle = create();
        try {
            // In this order: a new stream takes the workspace away.
            check("cublasSetStream_v2", cublas_v2_h.cublasSetStream_v2(handle, stream.handle()));
            MemorySegment room = MemorySegment.ofAddress(workspace.address());
            check("cublasSetWorkspace_v2", cublas_v2_h.cublasSetWorkspace_v2(handle, room, workspace.bytes()));
        } catch (CudaException e) {
            cublas_v2_h.cublasDestroy_v2(handle);
            arena.close();
            throw e;
        }
    }

    private MemorySegment create() {
        MemorySegment out = arena.allocate(ValueLayout.ADDRESS);
        try {
            check("cublasCreate_v2", cublas_v2_h.cublasCreate_v2(out));
        } catch (CudaException e) {
            arena.close();
            throw e;
        }
        return out.get(ValueLayout.ADDRESS, 0);
    }

    /** Whether the library is loaded; a binding asked without it is broken for the life of the JVM. */
    public static boolean isLoaded() {
        return SymbolLookup.loaderLookup().find("cublasCreate_v2").isPresent();
    }

    /** Enqueues a product. Row-major out = in × weightᵀ is, column by column, outᵀ = weight (transposed as stored) × inᵀ. */
    public void multiply(Shape shape, CudaMemory in, CudaMemory weight, CudaMemory out) {
        boolean narrow = shape.type() != CuBlasLt.Type.F32;
        mathMode(narrow ? cublas_v2_h.CUBLAS_DEFAULT_MATH() : cublas_v2_h.CUBLAS_PEDANTIC_MATH());
        check(
                "cublasGemmEx",
                cublas_v2_h.cublasGemmEx(
                        handle,
                        cublas_v2_h.CUBLAS_OP_T(),
                        cublas_v2_h.CUBLAS_OP_N(),
                        shape.columns(),
                        shape.rows(),
                        shape.inner(),
                        one,
                        MemorySegment.ofAddress(weight.address()),
                        shape.type().number(),
                        shape.pitch(),
                        MemorySegment.ofAddress(in.address()),
                        shape.type().number(),
                        shape.inPitch(),
                        shape.accumulate() ? one : zero,
                        MemorySegment.ofAddress(out.address()),
                        shape.outType().number(),
                        shape.outPitch(),
                        narrow ? cublas_v2_h.CUBLAS_COMPUTE_32F() : cublas_v2_h.CUBLAS_COMPUTE_32F_PEDANTIC(),
                        cublas_v2_h.CUBLAS_GEMM_DEFAULT()));
    }

    private void mathMode(int wanted) {
        if (mathMode != wanted) {
            check("cublasSetMathMode", cublas_v2_h.cublasSetMathMode(handle, wanted));
            mathMode = wanted;
        }
    }

    @SuppressWarnings("restricted")
    private static void check(String call, int status) {
        if (status != 0) {
            MemorySegment name = cublas_v2_h.cublasGetStatusName(status).reinterpret(Long.MAX_VALUE);
            MemorySegment text = cublas_v2_h.cublasGetStatusString(status).reinterpret(Long.MAX_VALUE);
            throw new CudaException(call, status, name.getString(0), text.getString(0));
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            arena.close();
            check("cublasDestroy_v2", cublas_v2_h.cublasDestroy_v2(handle));
        }
    }
}
