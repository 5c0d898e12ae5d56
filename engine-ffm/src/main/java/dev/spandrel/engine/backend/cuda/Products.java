package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.Norm;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.cuda.CuBlas;
import dev.spandrel.engine.cuda.CuBlasLt;
import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.CudaKernel;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.DeviceMemoryPool;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Products with weights: up to eight rows by the kernel that reads each weight once, more by cuBLASLt on tensor cores where the
 * weights are 16 bits wide or worth making so, else eight by eight.
 */
final class Products {
    private static final System.Logger LOG = System.getLogger(Products.class.getName());
    /** Beyond, multiplying takes longer than reading the weights, and tensor cores win. */
    private static final int FEW_ROWS = 8;

    /** Widening reads a quantized weight once and writes and reads it as BF16; below, reading it some times more costs less. */
    private static final int ROWS_WORTH_WIDENING = 32;

    private static final long WIDENED_BYTES = 32L << 20;
    private static final int THREADS = 256;
    private static final int WARPS = THREADS / 32;
    private static final int COLUMNS_PER_WARP = 2;
    private static final int WIDE_COLUMNS_PER_WARP = 4;
    /** Blocks of 256 threads that one multiprocessor holds of these kernels. */
    private static final int BLOCKS_PER_PROCESSOR = 4;
    /** A norm in front of a product wants its rows in shared memory; beyond this a block needs leave to have more. */
    private static final int SHARED_BYTES = 48 << 10;

    private final CudaKernels kernels;
    private final CudaStream stream;
    private final DeviceMemoryPool pool;
    private final CuBlasLt blas;
    private final Supplier<CuBlas> plainBlas;
    private final Set<CuBlasLt.Shape> told = new HashSet<>();
    private final int processors;
    private final boolean exact;
    private CudaMemory narrowed;
    private CudaMemory widened;

    Products(
            CudaKernels kernels,
            CudaStream stream,
            DeviceMemoryPool pool,
            CuBlasLt blas,
            Supplier<CuBlas> plainBlas,
            int processors,
            boolean exact) {
        this.kernels = kernels;
        this.stream = stream;
        this.pool = pool;
        this.blas = blas;
        this.plainBlas = plainBlas;
        this.processors = processors;
        this.exact = exact;
    }

    /**
     * A product.
     *
     * @param norm applied within the kernel, or null; only where {@link #normalizes} says so
     * @param accumulate whether to add to what is in {@code out}
     * @param gate whether the weight's rows are two halves that become one
     */
    record Request(
            int rows,
            Norm norm,
            CudaWeight weight,
            Weight bias,
            Activation activation,
            boolean accumulate,
            boolean gate) {}

    /** Whether a norm in front costs nothing there: few rows, and room for them in shared memory. */
    boolean normalizes(int rows, CudaWeight weight) {
        return rows <= 2
                && 4L * rows * weight.columns() <= SHARED_BYTES
                && weight.parts().size() == 1;
    }

    /** Whether the kernel that joins both halves of a gated product is worth it. */
    boolean gates(int rows, CudaWeight weight) {
        return rows <= FEW_ROWS && weight.parts().size() == 1;
    }

    void run(Request request, CudaMemory in, CudaMemory out) {
        int offset = 0;
        for (CudaWeight.Part part : request.weight.parts()) {
            boolean plain = !exact && !request.gate && request.norm == null;
            boolean narrow = part.format() == WeightFormat.BF16 || part.format() == WeightFormat.F16;
            if (plain && narrow && onTensorCores(request, part.format())) {
                CuBlasLt.Type type = part.format() == WeightFormat.BF16 ? CuBlasLt.Type.BF16 : CuBlasLt.Type.F16;
                Matrix matrix = new Matrix(part.data(), part.pitch(), part.rows(), offset, type);
                CudaMemory inputs = narrow(request, in, part.pitch(), type);
                tensorCores(request, matrix, inputs, out);
            } else if (plain && onTensorCores(request, part.format())) {
                widened(request, part, offset, in, out);
            } else {
                for (int row = 0; row < request.rows; row += FEW_ROWS) {
                    few(request, part, offset, row, Math.min(FEW_ROWS, request.rows - row), in, out);
                }
            }
            offset += part.rows();
        }
        if (late(request)) {
            activate(request, out);
        }
    }

    /** 16-bit rows that stand at {@code offset} of the result. */
    private record Matrix(CudaMemory data, int pitch, int rows, int offset, CuBlasLt.Type type) {}

    /** Whether the activation follows in a kernel of its own, since cuBLASLt does not know it; then for all parts alike. */
    private boolean late(Request request) {
        boolean unknown = request.activation == Activation.SILU || request.activation == Activation.GELU;
        boolean multiplied = !exact
                && !request.gate
                && request.norm == null
                && request.weight.parts().stream().anyMatch(part -> onTensorCores(request, part.format()));
        return unknown && multiplied;
    }

    private static boolean onTensorCores(Request request, WeightFormat format) {
        return switch (format) {
            case BF16, F16 -> request.rows > FEW_ROWS;
            case F32 -> false;
            default -> request.rows > ROWS_WORTH_WIDENING;
        };
    }

    private void few(
            Request request, CudaWeight.Part part, int offset, int row, int rows, CudaMemory in, CudaMemory out) {
        int inner = request.weight.columns();
        int outPitch = request.gate ? request.weight.rows() / 2 : request.weight.rows();
        int columns = request.gate ? part.rows() / 2 : part.rows();
        Norm norm = request.norm;
        int tile = tile(rows);
        boolean wide = tile == FEW_ROWS && wide(part, request.gate ? 2 * columns : columns);
        CudaKernel kernel = wide
                ? kernels.of(part.format(), "matmul_wide.cu", "matmul_8_wide")
                : kernels.of(part.format(), "matmul.cu", "matmul_" + tile);
        long bias = CudaWeight.vector(request.bias);
        kernel.address(in.address() + 4L * row * inner)
                .with(rows)
                .with(inner)
                .with(norm == null ? 0 : norm.centred() ? 1 : 2)
                .address(norm == null ? 0 : CudaWeight.vector(norm.weight()))
                .address(norm == null ? 0 : CudaWeight.vector(norm.bias()))
                .with(norm == null ? 0f : norm.epsilon())
                .with(part.data())
                .address(part.scalesAddress())
                .with(part.pitch())
                .address(bias == 0 ? 0 : bias + 4L * offset)
                .with(columns)
                .with(late(request) ? Activation.NONE.ordinal() : request.activation.ordinal())
                .with(request.accumulate ? 1 : 0)
                .with(request.gate ? 1 : 0)
                .with(outPitch)
                .address(out.address() + 4L * ((long) row * outPitch + offset));
        int perWarp = wide ? WIDE_COLUMNS_PER_WARP : COLUMNS_PER_WARP;
        int perBlock = WARPS * (request.gate ? perWarp / 2 : perWarp);
        int blocks = Math.min((columns + perBlock - 1) / perBlock, processors * BLOCKS_PER_PROCESSOR);
        kernel.launch(stream, blocks, 1, 1, THREADS, norm == null ? 0 : 4 * rows * inner);
    }

    /**
     * Whether warps take more columns at once: where inputs cost as much as weights, and at most one multiprocessor in ten goes
     * without, which is less than what there is to gain.
     */
    private boolean wide(CudaWeight.Part part, int columns) {
        boolean narrow = part.format() == WeightFormat.BF16 || part.format() == WeightFormat.F16;
        return narrow && 10L * columns >= 9L * WARPS * WIDE_COLUMNS_PER_WARP * processors;
    }

    private static int tile(int rows) {
        return rows <= 2 ? rows : rows <= 4 ? 4 : 8;
    }

    /** Quantized weights become BF16 some rows at a time, since all of a large matrix would take a share of the KV cache. */
    private void widened(Request request, CudaWeight.Part part, int offset, CudaMemory in, CudaMemory out) {
        int columns = request.weight.columns();
        int pitch = (columns + 7) / 8 * 8;
        CudaMemory inputs = narrow(request, in, pitch, CuBlasLt.Type.BF16);
        int most = Math.clamp(WIDENED_BYTES / (2L * pitch), 1, part.rows());
        CudaMemory room = widened == null ? (widened = pool.take(Math.max(WIDENED_BYTES, 2L * pitch))) : widened;
        for (int first = 0; first < part.rows(); first += most) {
            int rows = Math.min(most, part.rows() - first);
            kernels.of(part.format(), "widen.cu", "widen")
                    .with(part.data())
                    .address(part.scalesAddress())
                    .with(part.pitch())
                    .with(first)
                    .with(columns)
                    .with(pitch)
                    .with(room)
                    .launch(stream, rows, 1, 1, THREADS, 0);
            tensorCores(request, new Matrix(room, pitch, rows, offset + first, CuBlasLt.Type.BF16), inputs, out);
        }
    }

    /** The inputs in the weights' type, rows at multiples of 16 bytes. */
    private CudaMemory narrow(Request request, CudaMemory in, int pitch, CuBlasLt.Type type) {
        CudaMemory inputs = narrowed(2L * request.rows * pitch);
        kernels.plain("pointwise.cu", "narrow")
                .with(in)
                .with(request.rows)
                .with(request.weight.columns())
                .with(pitch)
                .with(type == CuBlasLt.Type.BF16 ? 1 : 0)
                .with(inputs)
                .launch(stream, blocks((long) request.rows * pitch), 1, 1, THREADS, 0);
        return inputs;
    }

    private void tensorCores(Request request, Matrix matrix, CudaMemory inputs, CudaMemory out) {
        CuBlasLt.Shape shape = new CuBlasLt.Shape(
                request.rows,
                request.weight.columns(),
                matrix.rows,
                matrix.pitch,
                matrix.pitch,
                request.weight.rows(),
                matrix.type,
                epilogue(request),
                request.accumulate);
        CudaMemory bias = request.bias == null
                ? null
                : CudaWeight.of(request.bias).parts().getFirst().data().slice(4L * matrix.offset, 4L * matrix.rows);
        long at = 4L * matrix.offset;
        CudaMemory to = out.slice(at, out.bytes() - at);
        if (blas.supports(shape)) {
            blas.multiply(shape, inputs, matrix.data, bias, to);
        } else {
            inTwoSteps(shape, request, inputs, matrix.data, bias, to);
        }
    }

    /** By cuBLAS where cuBLASLt has no algorithm, with what follows the sums in a kernel of its own. */
    private void inTwoSteps(
            CuBlasLt.Shape shape,
            Request request,
            CudaMemory inputs,
            CudaMemory weight,
            CudaMemory bias,
            CudaMemory out) {
        if (!CuBlas.isLoaded()) {
            throw new CudaException(
                    "cublasLtMatmulAlgoGetHeuristic",
                    15,
                    "CUBLAS_STATUS_NOT_SUPPORTED",
                    "no algorithm for " + shape + ", and libcublas, which would do without, is not beside libcublasLt");
        }
        if (told.add(shape)) {
            LOG.log(System.Logger.Level.INFO, "cuBLASLt has no algorithm for {0}: cuBLAS multiplies", shape);
        }
        CuBlas.Shape plain = new CuBlas.Shape(
                shape.rows(),
                shape.inner(),
                shape.columns(),
                shape.pitch(),
                shape.inPitch(),
                shape.outPitch(),
                shape.type(),
                CuBlasLt.Type.F32,
                shape.accumulate());
        plainBlas.get().multiply(plain, inputs, weight, out);
        if (shape.epilogue() != CuBlasLt.Epilogue.NONE) {
            boolean late = late(request);
            kernels.plain("pointwise.cu", "finish")
                    .with(out)
                    .with(shape.rows())
                    .with(shape.columns())
                    .with(shape.outPitch())
                    .address(bias == null ? 0 : bias.address())
                    .with(late ? Activation.NONE.ordinal() : request.activation.ordinal())
                    .launch(stream, blocks((long) shape.rows() * shape.columns()), 1, 1, THREADS, 0);
        }
    }

    /** What the product does itself; the others follow in a kernel of their own. */
    private static CuBlasLt.Epilogue epilogue(Request request) {
        boolean bias = request.bias != null;
        return switch (request.activation) {
            case RELU -> bias ? CuBlasLt.Epilogue.RELU_BIAS : CuBlasLt.Epilogue.RELU;
            case GELU_TANH -> bias ? CuBlasLt.Epilogue.GELU_BIAS : CuBlasLt.Epilogue.GELU;
            default -> bias ? CuBlasLt.Epilogue.BIAS : CuBlasLt.Epilogue.NONE;
        };
    }

    private void activate(Request request, CudaMemory out) {
        long count = (long) request.rows * request.weight.rows();
        kernels.plain("pointwise.cu", "activation")
                .with(out)
                .with(count)
                .with(request.activation.ordinal())
                .launch(stream, blocks(count), 1, 1, THREADS, 0);
    }

    private CudaMemory narrowed(long bytes) {
        if (narrowed == null || narrowed.bytes() < bytes) {
            narrowed = pool.take(bytes);
        }
        return narrowed;
    }

    private int blocks(long values) {
        return (int) Math.clamp((values + THREADS - 1) / THREADS, 1, 8L * processors);
    }
}
