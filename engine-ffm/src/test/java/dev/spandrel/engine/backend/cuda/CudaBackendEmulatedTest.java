package dev.spandrel.engine.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendContract;
import dev.spandrel.engine.backend.Norm;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.cuda.EmulatedCuda;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The whole contract on the emulated device: the same kernels, with guard pages and a count of what is left. */
class CudaBackendEmulatedTest extends BackendContract {
    private static EmulatedCuda cuda;
    private final Random random = new Random(8);

    @BeforeAll
    static void emulate() {
        cuda = EmulatedCuda.open();
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        return new CudaBackend(CudaTesting.exact(policy));
    }

    @Override
    protected Activation[] activations(long multiplications) {
        return multiplications < 100_000 ? Activation.values() : new Activation[] {Activation.SILU};
    }

    /** The kernel takes eight at a time: two rounds and what is left over say what a dozen do. */
    @Override
    protected int rows(int most) {
        return most > 24 ? 16 + most % 8 : most;
    }

    private Tensor tensor(int... shape) {
        int count = 1;
        Long[] sizes = new Long[shape.length];
        for (int i = 0; i < shape.length; i++) {
            count *= shape[i];
            sizes[i] = (long) shape[i];
        }
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return new Tensor(DType.F32, List.of(sizes), MemorySegment.ofArray(values));
    }

    private static Buffer buffer(Backend on, Tensor rows) {
        Buffer buffer = on.allocate(rows.elements());
        int[] ids = new int[rows.size(0)];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = i;
        }
        on.embed(on.upload(rows), ids, ids.length, false, buffer);
        return buffer;
    }

    private static float[] read(Backend on, Buffer buffer, int rows, int columns) {
        float[] all = new float[rows * columns];
        float[] row = new float[columns];
        for (int r = 0; r < rows; r++) {
            on.readLogits(buffer, r, columns, row);
            System.arraycopy(row, 0, all, r * columns, columns);
        }
        return all;
    }

    /** What one launch does must have the bits of the several that it replaces. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 9})
    void fusedVerbsHaveTheBitsOfTheirParts(int rows) {
        Tensor in = tensor(rows, 96);
        Tensor matrix = tensor(140, 96);
        Tensor square = tensor(96, 96);
        try (Backend backend = create(WeightPolicy.AS_STORED)) {
            Weight weight = backend.upload(matrix);
            Weight bias = backend.upload(tensor(140));
            Weight factor = backend.upload(tensor(96));
            for (Norm norm : new Norm[] {Norm.rms(factor, 1e-6f), Norm.layer(factor, null, 1e-5f), null}) {
                Buffer[] found = new Buffer[2];
                Buffer[] gated = new Buffer[2];
                for (int i = 0; i < 2; i++) {
                    Backend on = i == 0 ? backend : new Unfused(backend).backend();
                    found[i] = backend.allocate(rows * 140L);
                    gated[i] = backend.allocate(rows * 70L);
                    Buffer normed = backend.allocate(rows * 96L);
                    Buffer room = backend.allocate(rows * 140L);
                    on.normMatmul(buffer(backend, in), rows, norm, weight, bias, Activation.GELU, normed, found[i]);
                    on.normMatmulGate(
                            buffer(backend, in), rows, norm, weight, bias, Activation.SILU, normed, room, gated[i]);
                }
                assertThat(read(backend, found[0], rows, 140)).isEqualTo(read(backend, found[1], rows, 140));
                assertThat(read(backend, gated[0], rows, 70)).isEqualTo(read(backend, gated[1], rows, 70));
            }
            Buffer[] sums = {buffer(backend, in), buffer(backend, in)};
            Weight residual = backend.upload(square);
            Buffer room = backend.allocate(rows * 96L);
            backend.matmulAdd(buffer(backend, in), rows, residual, factor, room, sums[0]);
            new Unfused(backend).backend().matmulAdd(buffer(backend, in), rows, residual, factor, room, sums[1]);
            assertThat(read(backend, sums[0], rows, 96)).isEqualTo(read(backend, sums[1], rows, 96));
        }
    }

    /** Eight rows, for which warps take four columns where there are enough, have the bits of each of them alone. */
    @ParameterizedTest
    @ValueSource(strings = {"bfloat16", "float16"})
    void wideProductsHaveTheBitsOfSingleRows(String dtype) {
        cuda.recover();
        Tensor in = tensor(8, 96);
        try (Backend backend = create(new WeightPolicy(dtype, "none"))) {
            Buffer rows = buffer(backend, in);
            // A last warp that has fewer than four; a pair more than fit; too few for all multiprocessors.
            for (int columns : new int[] {141, 142, 30}) {
                Weight weight = backend.upload(tensor(columns, 96));
                Weight bias = backend.upload(tensor(columns));
                boolean gated = columns % 2 == 0;
                int width = gated ? columns / 2 : columns;
                Buffer out = backend.allocate(8L * width);
                Buffer single = backend.allocate(width);
                Buffer row = backend.allocate(96);
                Buffer room = backend.allocate(8L * columns);
                multiply(backend, rows, 8, weight, bias, gated, room, out);
                for (int r = 0; r < 8; r++) {
                    backend.gatherRows(rows, new int[] {r}, 1, 96, row);
                    multiply(backend, row, 1, weight, bias, gated, room, single);
                    assertThat(read(backend, single, 1, width))
                            .as("%d columns, row %d", columns, r)
                            .isEqualTo(Arrays.copyOfRange(read(backend, out, 8, width), r * width, (r + 1) * width));
                }
            }
        }
        assertThat(cuda.launches("matmul_8_wide")).isEqualTo(2);
        assertThat(cuda.launches("matmul_8")).isEqualTo(1);
    }

    private static void multiply(
            Backend on, Buffer in, int rows, Weight weight, Weight bias, boolean gated, Buffer room, Buffer out) {
        if (gated) {
            on.normMatmulGate(in, rows, null, weight, bias, Activation.SILU, null, room, out);
        } else {
            on.matmul(in, rows, weight, bias, Activation.GELU, out);
        }
    }

    /** Inputs are rounded to the weights' type there: within what a BF16 can say. */
    @ParameterizedTest
    @ValueSource(strings = {"bfloat16", "float16"})
    void tensorCoresAreWithinTheirRounding(String dtype) {
        onTensorCores(dtype, () -> {});
    }

    /** Where cuBLASLt finds no algorithm cuBLAS multiplies, and bias and activation follow. */
    @ParameterizedTest
    @ValueSource(strings = {"bfloat16", "float16"})
    void shapesWithoutAnAlgorithmAreMultipliedAllTheSame(String dtype) {
        cuda.recover();
        onTensorCores(dtype, () -> cuda.fail("cublasLtMatmulAlgoGetHeuristic", 1, 15));
        // One shape of sums onto others serves all activations, those that cuBLASLt does not know share another.
        assertThat(cuda.calls("cublasGemmEx")).isGreaterThan(4);
        assertThat(cuda.launches("finish")).isEqualTo(cuda.calls("cublasGemmEx"));
        assertThat(cuda.calls("cublasCreate_v2")).isEqualTo(1);
    }

    private void onTensorCores(String dtype, Runnable before) {
        WeightPolicy policy = new WeightPolicy(dtype, "none");
        Tensor in = tensor(33, 90);
        Tensor matrix = tensor(65, 90);
        Tensor vector = tensor(65);
        ReferenceBackend truth = new ReferenceBackend(policy);
        try (Backend fast = new CudaBackend(CudaTesting.fast(policy))) {
            for (Activation activation : Activation.values()) {
                float[][] all = new float[2][];
                Backend[] both = {truth, fast};
                for (int i = 0; i < 2; i++) {
                    Buffer out = both[i].allocate(33 * 65);
                    Weight weight = both[i].upload(matrix);
                    before.run();
                    both[i].matmul(buffer(both[i], in), 33, weight, both[i].upload(vector), activation, out);
                    before.run();
                    both[i].matmulAdd(
                            buffer(both[i], in), 33, weight, both[i].upload(vector), both[i].allocate(33 * 65), out);
                    all[i] = read(both[i], out, 33, 65);
                }
                for (int i = 0; i < all[0].length; i++) {
                    assertThat(all[1][i]).isCloseTo(all[0][i], within(2e-2f * (1 + Math.abs(all[0][i]))));
                }
            }
        }
    }

    @Test
    void slabsServeAsWell() {
        Tensor in = tensor(5, 32);
        try (Backend backend = new CudaBackend(CudaTesting.inSlabs())) {
            assertThat(read(backend, buffer(backend, in), 5, 32))
                    .isEqualTo(in.data().toArray(java.lang.foreign.ValueLayout.JAVA_FLOAT));
        }
    }

    @Test
    void closingTwiceIsHarmless() {
        Backend backend = create(WeightPolicy.AS_STORED);
        backend.close();
        backend.close();
    }

    @AfterAll
    static void nothingIsLeft() {
        cuda.assertNothingIsLeft();
    }
}
