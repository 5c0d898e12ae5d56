package dev.spandrel.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Products by cuBLAS on the emulated library: types, pitches, sums onto what is there, and every call failing. */
class CuBlasEmulatedTest {
    private static final int ROWS = 5;
    private static final int INNER = 19;
    private static final int COLUMNS = 7;
    private static final int PITCH = 24;
    private static final int OUT_PITCH = 9;

    private final Random random = new Random(183);
    private EmulatedDevice device;
    private EmulatedCuda cuda;
    private CudaStream stream;
    private DeviceMemoryPool pool;

    @BeforeEach
    void open() {
        device = new EmulatedDevice(1 << 20);
        cuda = device.cuda();
        stream = device.stream();
        pool = device.pool();
    }

    @AfterEach
    void close() {
        if (device != null) {
            device.close();
        }
    }

    /** Rows of values that each type can hold, {@link #PITCH} apart, on the device and here. */
    private record Matrix(CudaMemory memory, float[] values) {}

    private Matrix matrix(int rows, CuBlasLt.Type type) {
        float[] values = new float[rows * PITCH];
        CudaMemory memory = pool.take(4L * values.length);
        try (PinnedMemory host = new PinnedMemory(4L * values.length)) {
            for (int i = 0; i < values.length; i++) {
                values[i] = i % PITCH < INNER ? random.nextInt(-32, 33) / 16f : Float.NaN;
                switch (type) {
                    case F32 -> host.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, values[i]);
                    case F16 -> host.segment().setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(values[i]));
                    case BF16 ->
                        host.segment().setAtIndex(ValueLayout.JAVA_SHORT, i, (short)
                                (Float.floatToRawIntBits(values[i]) >>> 16));
                }
            }
            memory.copyFrom(host, 0, 0, 4L * values.length, stream);
            stream.synchronize();
        }
        return new Matrix(memory, values);
    }

    private static float expected(Matrix in, Matrix weight, int row, int column) {
        float sum = 0;
        for (int k = 0; k < INNER; k++) {
            sum += in.values[row * PITCH + k] * weight.values[column * PITCH + k];
        }
        return sum;
    }

    private static CuBlas.Shape shape(CuBlasLt.Type type, CuBlasLt.Type outType, boolean accumulate) {
        return new CuBlas.Shape(ROWS, INNER, COLUMNS, PITCH, PITCH, OUT_PITCH, type, outType, accumulate);
    }

    @Test
    void everyTypeIsMultiplied() {
        try (CuBlas blas = new CuBlas(stream, pool.take(4096))) {
            for (CuBlasLt.Type type : CuBlasLt.Type.values()) {
                Matrix in = matrix(ROWS, type);
                Matrix weight = matrix(COLUMNS, type);
                CudaMemory out = pool.take(4L * ROWS * OUT_PITCH);
                blas.multiply(shape(type, CuBlasLt.Type.F32, false), in.memory, weight.memory, out);
                blas.multiply(shape(type, CuBlasLt.Type.F32, true), in.memory, weight.memory, out);
                try (PinnedMemory host = new PinnedMemory(4L * ROWS * OUT_PITCH)) {
                    out.copyTo(host, 0, 0, 4L * ROWS * OUT_PITCH, stream);
                    stream.synchronize();
                    for (int r = 0; r < ROWS; r++) {
                        for (int c = 0; c < COLUMNS; c++) {
                            assertThat(host.segment().getAtIndex(ValueLayout.JAVA_FLOAT, r * OUT_PITCH + c))
                                    .as("%s, row %d, column %d", type, r, c)
                                    .isEqualTo(2 * expected(in, weight, r, c));
                        }
                    }
                }
            }
            assertThat(cuda.calls("cublasSetMathMode"))
                    .as("F32 is not 16 bit, and both of these are alike")
                    .isEqualTo(2);
        }
    }

    /** What benches measure against: 16 bits in and out. */
    @Test
    void outputMayBeNarrow() {
        try (CuBlas blas = new CuBlas(stream, pool.take(4096));
                PinnedMemory host = new PinnedMemory(2L * ROWS * OUT_PITCH)) {
            Matrix in = matrix(ROWS, CuBlasLt.Type.BF16);
            Matrix weight = matrix(COLUMNS, CuBlasLt.Type.BF16);
            CudaMemory out = pool.take(2L * ROWS * OUT_PITCH);
            blas.multiply(shape(CuBlasLt.Type.BF16, CuBlasLt.Type.BF16, false), in.memory, weight.memory, out);
            out.copyTo(host, 0, 0, 2L * ROWS * OUT_PITCH, stream);
            stream.synchronize();
            int bits = host.segment().getAtIndex(ValueLayout.JAVA_SHORT, OUT_PITCH + 3) << 16;
            float exact = expected(in, weight, 1, 3);
            assertThat(Float.intBitsToFloat(bits)).isCloseTo(exact, within(Math.abs(exact) / 256 + 1e-6f));
        }
        assertThatThrownBy(() -> shape(CuBlasLt.Type.F16, CuBlasLt.Type.BF16, false))
                .hasMessageContaining("expected output in F32 or F16, found BF16");
    }

    @Test
    void everyCallMayFail() {
        for (String call : List.of(
                "cublasCreate_v2",
                "cublasSetStream_v2",
                "cublasSetWorkspace_v2",
                "cublasSetMathMode",
                "cublasGemmEx",
                "cublasDestroy_v2")) {
            cuda.recover();
            cuda.fail(call, 1, 13);
            assertThatThrownBy(() -> {
                        try (CuBlas blas = new CuBlas(stream, pool.take(4096))) {
                            Matrix in = matrix(ROWS, CuBlasLt.Type.BF16);
                            CudaMemory out = pool.take(4L * ROWS * OUT_PITCH);
                            CuBlas.Shape square = new CuBlas.Shape(
                                    ROWS,
                                    INNER,
                                    ROWS,
                                    PITCH,
                                    PITCH,
                                    OUT_PITCH,
                                    CuBlasLt.Type.BF16,
                                    CuBlasLt.Type.F32,
                                    false);
                            blas.multiply(square, in.memory, in.memory, out);
                        }
                    })
                    .as(call)
                    .hasMessage(call + " failed: CUBLAS_STATUS_EXECUTION_FAILED (13), emulated");
            stream.synchronize();
        }
    }
}
