package dev.spandrel.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A backend and the truth, numbers from a fixed seed for both, and how close they must be. */
public abstract class ContractInputs {
    /** Relative rounding of one F32 operation, with room for another order of summation. */
    private static final double UNIT = 4 * Math.ulp(1f);

    protected final Random random = new Random(20_261_123);
    protected final ReferenceBackend truth = new ReferenceBackend();
    protected Backend backend;
    protected Arena arena;

    protected abstract Backend create(WeightPolicy policy);

    @BeforeEach
    void open() {
        backend = create(WeightPolicy.AS_STORED);
        arena = Arena.ofShared();
    }

    @AfterEach
    void close() {
        backend.close();
        arena.close();
    }

    /** Fills a buffer through the public verbs only: as the bias of a norm of zeros, which is F32 whatever weights are kept as. */
    protected Buffer buffer(Backend on, float[] values) {
        Buffer buffer = on.allocate(values.length);
        MemorySegment data = arena.allocate(values.length * 4L, 64);
        MemorySegment.copy(values, 0, data, ValueLayout.JAVA_FLOAT, 0, values.length);
        Tensor bias = new Tensor(DType.F32, List.of((long) values.length), data);
        on.layerNorm(on.allocate(values.length), 1, values.length, null, on.upload(bias), 1, buffer);
        // Reading waits until it is there: another backend may be given this buffer, on another queue of the same
        // device.
        on.readLogits(buffer, 0, 1, new float[1]);
        return buffer;
    }

    protected static float[] all(Backend on, Buffer buffer, int rows, int columns) {
        float[] into = new float[rows * columns];
        read(on, buffer, rows, columns, into);
        return into;
    }

    protected static void read(Backend on, Buffer buffer, int rows, int columns, float[] into) {
        float[] row = new float[columns];
        for (int r = 0; r < rows; r++) {
            on.readLogits(buffer, r, columns, row);
            System.arraycopy(row, 0, into, r * columns, columns);
        }
    }

    protected static float[] row(float[] values, int row, int columns) {
        return java.util.Arrays.copyOfRange(values, row * columns, (row + 1) * columns);
    }

    protected float[] values(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    protected Tensor tensor(DType dtype, int... shape) {
        int count = java.util.Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        MemorySegment data = arena.allocate(dtype.bytes(count), 64);
        for (int i = 0; i < count; i++) {
            float value = (float) random.nextGaussian();
            switch (dtype) {
                case F32 -> data.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
                case F16 -> data.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(value));
                case BF16 ->
                    data.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >>> 16));
                default -> throw new IllegalArgumentException(dtype.name());
            }
        }
        return new Tensor(
                dtype, java.util.Arrays.stream(shape).mapToObj(Long::valueOf).toList(), data);
    }

    protected static void assertClose(float[] found, float[] expected, int summands) {
        assertClose(found, expected, summands, 0);
    }

    protected static void assertClose(float[] found, float[] expected, int summands, double more) {
        assertThat(found).hasSameSizeAs(expected);
        double largest = 1;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < found.length; i++) {
            assertThat((double) found[i])
                    .as("element %d of %d", i, found.length)
                    .isCloseTo(
                            expected[i],
                            org.assertj.core.data.Offset.offset((UNIT * Math.sqrt(summands) + more) * largest));
        }
    }
}
