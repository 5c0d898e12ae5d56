package dev.spandrel.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What every backend must compute: each verb against {@link ReferenceBackend} over odd sizes and all element types, within
 * a tolerance that grows with the number of summands. Inputs come from a fixed seed.
 */
public abstract class BackendContract extends AttentionContract {
    private static final DType[] PLAIN = {DType.F32, DType.F16, DType.BF16};

    /** Activations behind a product of so many multiplications; a backend that is slow here may take fewer of large ones. */
    protected Activation[] activations(long multiplications) {
        return Activation.values();
    }

    /** Rows of a product of so many; a backend that is slow here may take fewer where more of them are the same over again. */
    protected int rows(int most) {
        return most;
    }

    protected static List<Arguments> matrices() {
        int[][] sizes = {
            {1, 1, 1},
            {1, 64, 64},
            {1, 192, 576},
            {2, 65, 63},
            {3, 17, 129},
            {5, 33, 200},
            {6, 64, 64},
            {7, 100, 1},
            {13, 192, 768},
            {48, 31, 130},
            {49, 96, 97},
            {100, 128, 320}
        };
        List<Arguments> all = new ArrayList<>();
        for (int[] size : sizes) {
            for (String dtype : WeightPolicy.DTYPES) {
                all.add(Arguments.of(size[0], size[1], size[2], new WeightPolicy(dtype, "none")));
            }
            all.add(Arguments.of(size[0], size[1], size[2], new WeightPolicy("auto", "int8")));
            all.add(Arguments.of(size[0], size[1], size[2], new WeightPolicy("auto", "int4")));
        }
        return all;
    }

    /** Every stored type, kept in every format, against plain loops over what that format says. */
    @ParameterizedTest
    @MethodSource("matrices")
    protected void matmulMatches(int most, int inner, int columns, WeightPolicy policy) {
        int rows = rows(most);
        try (Backend kept = create(policy)) {
            Backend plain = new ReferenceBackend(policy);
            for (DType dtype : PLAIN) {
                Tensor weight = tensor(dtype, columns, inner);
                Tensor bias = tensor(dtype, columns);
                float[] in = values(rows * inner);
                for (Activation activation : activations((long) rows * inner * columns)) {
                    for (Tensor optional : new Tensor[] {bias, null}) {
                        float[] expected = matmul(plain, in, rows, weight, optional, activation, columns);
                        float[] found = matmul(kept, in, rows, weight, optional, activation, columns);
                        assertMultiplied(found, expected, inner, policy.matrix(dtype));
                    }
                }
            }
        }
    }

    /** What GGUF stores in blocks is kept in blocks; bytes at random, but for scales that would be no numbers. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F32", "F16", "BF16"})
    void blocksMatch(DType dtype) {
        for (int[] most :
                new int[][] {{1, 512, 64}, {7, 256, 129}, {50, 768, 70}, {1, 32, 65}, {3, 96, 7}, {6, 288, 64}}) {
            // Rows are whole blocks.
            int inner = (most[1] + dtype.blockElements() - 1) / dtype.blockElements() * dtype.blockElements();
            int[] size = {rows(most[0]), inner, most[2]};
            Tensor weight = blocks(dtype, size[2], size[1]);
            float[] in = values(size[0] * size[1]);
            float[] expected = matmul(truth, in, size[0], weight, null, Activation.NONE, size[2]);
            float[] found = matmul(backend, in, size[0], weight, null, Activation.NONE, size[2]);
            assertMultiplied(found, expected, size[1], WeightFormat.of(dtype));
            Buffer plain = truth.allocate(2L * size[1]);
            Buffer fast = backend.allocate(2L * size[1]);
            int[] ids = {5, size[2] - 1};
            truth.embed(truth.upload(weight), ids, 2, false, plain);
            backend.embed(backend.upload(weight), ids, 2, false, fast);
            assertThat(all(backend, fast, 2, size[1])).isEqualTo(all(truth, plain, 2, size[1]));
            // The last panel is padded; scales of six bits may be kept in bytes.
            long panels = (size[2] + 63) / 64 * 64 * (weight.data().byteSize() / size[2]);
            assertThat(backend.upload(weight).bytes()).isLessThanOrEqualTo((long) (1.04 * panels));
        }
    }

    /** Random weights in the blocks of a file. */
    protected final Tensor blocks(DType dtype, int rows, int columns) {
        MemorySegment data = arena.allocate(dtype.bytes((long) rows * columns), 64);
        byte[] bytes = new byte[(int) data.byteSize()];
        random.nextBytes(bytes);
        MemorySegment.copy(bytes, 0, data, ValueLayout.JAVA_BYTE, 0, bytes.length);
        // Some have their scale at the end of a block, the others at the beginning, some with a minimum behind it.
        boolean least = dtype.name().matches("Q[45]_1|Q[245]_K");
        for (long at = 0; at < data.byteSize(); at += dtype.blockBytes()) {
            long scale = at
                    + switch (dtype) {
                        case Q2_K -> 80;
                        case Q3_K -> 108;
                        case Q6_K -> 208;
                        default -> 0;
                    };
            data.set(
                    ValueLayout.JAVA_SHORT_UNALIGNED, scale, Float.floatToFloat16((float) random.nextGaussian() / 100));
            if (least) {
                short minimum = Float.floatToFloat16((float) random.nextGaussian() / 100);
                data.set(ValueLayout.JAVA_SHORT_UNALIGNED, scale + 2, minimum);
            }
        }
        return new Tensor(dtype, List.of((long) rows, (long) columns), data);
    }

    /**
     * Rounding that a backend may add to the inputs of a matmul whose weights are kept in a format, relative to the largest
     * output: BF16 weights may meet BF16 inputs, bytes and nibbles 16-bit ones.
     */
    protected double inputRounding(WeightFormat format) {
        return 0;
    }

    private void assertMultiplied(float[] found, float[] expected, int inner, WeightFormat format) {
        assertClose(found, expected, inner, inputRounding(format));
    }

    @Test
    void stackedWeightsAreOneMatrix() {
        Tensor first = tensor(DType.F32, 70, 24);
        Tensor second = tensor(DType.F32, 5, 24);
        float[] in = values(3 * 24);
        float[] found = new float[3 * 75];
        Buffer out = backend.allocate(found.length);
        backend.matmul(buffer(backend, in), 3, backend.upload(first, second), null, Activation.NONE, out);
        read(backend, out, 3, 75, found);
        float[] top = matmul(truth, in, 3, first, null, Activation.NONE, 70);
        float[] bottom = matmul(truth, in, 3, second, null, Activation.NONE, 5);
        for (int r = 0; r < 3; r++) {
            assertClose(java.util.Arrays.copyOfRange(found, r * 75, r * 75 + 70), row(top, r, 70), 24);
            assertClose(java.util.Arrays.copyOfRange(found, r * 75 + 70, r * 75 + 75), row(bottom, r, 5), 24);
        }
    }

    /** A row's bits must not depend on the rows beside it: batching may not change what a request says. */
    @ParameterizedTest
    @EnumSource(
            value = WeightFormat.class,
            names = {"F32", "F16", "BF16", "INT8", "Q4_0"})
    void aRowAloneHasTheSameBitsAsInABatch(WeightFormat format) {
        try (Backend kept = create(policy(format))) {
            Tensor weight = tensor(DType.F32, 130, 96);
            Tensor bias = tensor(DType.F32, 130);
            float[] in = values(53 * 96);
            float[] batch = matmul(kept, in, 53, weight, bias, Activation.NONE, 130);
            for (int r = 0; r < 53; r++) {
                float[] alone = matmul(kept, row(in, r, 96), 1, weight, bias, Activation.NONE, 130);
                assertThat(alone).as("row %d", r).isEqualTo(row(batch, r, 130));
            }
        }
    }

    /** The same of what GGUF stores in blocks, and of any cut of the rows. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"F32", "F16", "BF16"})
    void aRowByBlocksHasTheSameBitsInAnyBatch(DType dtype) {
        int rows = rows(53);
        Tensor weight = blocks(dtype, 130, 256);
        float[] in = values(rows * 256);
        float[] batch = matmul(backend, in, rows, weight, null, Activation.NONE, 130);
        for (int count : new int[] {1, 2, 3, 5, 8}) {
            for (int r = 0; r + count <= rows; r += count + 6) {
                float[] some = java.util.Arrays.copyOfRange(in, r * 256, (r + count) * 256);
                assertThat(matmul(backend, some, count, weight, null, Activation.NONE, 130))
                        .as("%d rows from %d", count, r)
                        .isEqualTo(java.util.Arrays.copyOfRange(batch, r * 130, (r + count) * 130));
            }
        }
    }

    /** What is kept is as narrow as it says, but for the last panel and scales. */
    @ParameterizedTest
    @EnumSource(
            value = WeightFormat.class,
            names = {"F32", "F16", "BF16", "INT8", "Q4_0"})
    void weightsStayNarrow(WeightFormat format) {
        try (Backend kept = create(policy(format))) {
            Tensor weight = tensor(DType.F32, 640, 576);
            long bytes = kept.upload(weight).bytes();
            assertThat(bytes).isLessThanOrEqualTo((long) (1.1 * 640 * format.rowBytes(576)));
            assertThat(kept.bytes(DType.F32, List.of(640L, 576L))).isEqualTo(640 * format.rowBytes(576));
        }
    }

    private static WeightPolicy policy(WeightFormat format) {
        return switch (format) {
            case F32 -> new WeightPolicy("float32", "none");
            case F16 -> new WeightPolicy("float16", "none");
            case BF16 -> new WeightPolicy("bfloat16", "none");
            case INT8 -> new WeightPolicy("auto", "int8");
            case Q4_0 -> new WeightPolicy("auto", "int4");
            default -> WeightPolicy.AS_STORED;
        };
    }

    /** Stacked tensors of different types keep what each says. */
    @Test
    void stacksOfDifferentTypesAreOneMatrix() {
        Tensor first = tensor(DType.BF16, 70, 24);
        Tensor second = tensor(DType.F32, 5, 24);
        Tensor third = tensor(DType.F16, 66, 24);
        float[] in = values(3 * 24);
        float[][] found = new float[2][3 * 141];
        Backend[] both = {truth, backend};
        for (int i = 0; i < 2; i++) {
            Buffer out = both[i].allocate(3 * 141);
            Weight stack = both[i].upload(first, second, third);
            both[i].matmul(buffer(both[i], in), 3, stack, null, Activation.NONE, out);
            read(both[i], out, 3, 141, found[i]);
        }
        assertMultiplied(found[1], found[0], 24, WeightFormat.BF16);
        assertThat(backend.upload(tensor(DType.BF16, 7), tensor(DType.F16, 9)).rows())
                .isEqualTo(16);
    }

    @ParameterizedTest
    @CsvSource({"auto, none", "bfloat16, none", "float16, none", "auto, int8", "auto, int4"})
    void embedPicksAndAddsRows(String dtype, String quantization) {
        WeightPolicy policy = new WeightPolicy(dtype, quantization);
        int[] ids = {0, 130, 64, 64, 7};
        try (Backend kept = create(policy)) {
            Backend plain = new ReferenceBackend(policy);
            for (DType stored : PLAIN) {
                Tensor table = tensor(stored, 131, 33);
                for (boolean accumulate : new boolean[] {false, true}) {
                    float[] start = values(5 * 33);
                    Buffer expected = buffer(truth, start);
                    Buffer found = buffer(backend, start);
                    plain.embed(plain.upload(table), ids, 5, accumulate, expected);
                    kept.embed(kept.upload(table), ids, 5, accumulate, found);
                    assertThat(all(kept, found, 5, 33)).isEqualTo(all(plain, expected, 5, 33));
                    kept.embed(kept.uploadTable(table), ids, 5, false, found);
                    plain.embed(plain.uploadTable(table), ids, 5, false, expected);
                    assertThat(all(kept, found, 5, 33)).isEqualTo(all(plain, expected, 5, 33));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 7", "3, 16", "2, 65", "5, 192", "2, 1000"})
    void layerNormMatches(int rows, int columns) {
        Tensor weight = tensor(DType.F32, columns);
        Tensor bias = tensor(DType.F32, columns);
        float[] in = values(rows * columns);
        Buffer expected = truth.allocate(in.length);
        Buffer found = backend.allocate(in.length);
        truth.layerNorm(buffer(truth, in), rows, columns, truth.upload(weight), truth.upload(bias), 1e-5f, expected);
        backend.layerNorm(
                buffer(backend, in), rows, columns, backend.upload(weight), backend.upload(bias), 1e-5f, found);
        assertClose(all(backend, found, rows, columns), all(truth, expected, rows, columns), columns);

        truth.layerNorm(buffer(truth, in), rows, columns, null, null, 1e-5f, expected);
        Buffer inPlace = buffer(backend, in);
        backend.layerNorm(inPlace, rows, columns, null, null, 1e-5f, inPlace);
        assertClose(all(backend, inPlace, rows, columns), all(truth, expected, rows, columns), columns);
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 7", "3, 16", "2, 65", "5, 192", "400, 1000"})
    void rmsNormMatches(int rows, int columns) {
        Tensor weight = tensor(DType.F32, columns);
        float[] in = values(rows * columns);
        Buffer expected = truth.allocate(in.length);
        truth.rmsNorm(buffer(truth, in), rows, columns, truth.upload(weight), 1e-6f, expected);
        Buffer found = buffer(backend, in);
        backend.rmsNorm(found, rows, columns, backend.upload(weight), 1e-6f, found);
        assertClose(all(backend, found, rows, columns), all(truth, expected, rows, columns), columns);
    }

    @ParameterizedTest
    @CsvSource({"4, 2, 12, true", "4, 2, 12, false", "3, 1, 64, true", "6, 3, 7, false"})
    void normHeadsMatches(int heads, int kvHeads, int headDim, boolean each) {
        HeadLayout layout = new HeadLayout(heads, kvHeads, headDim);
        Tensor queries = tensor(DType.F32, each ? headDim : layout.queryColumns());
        Tensor keys = tensor(DType.F32, each ? headDim : layout.kvColumns());
        float[] in = values(5 * layout.columns());
        Buffer expected = buffer(truth, in);
        Buffer found = buffer(backend, in);
        truth.normHeads(expected, 5, layout, truth.upload(queries), truth.upload(keys), 1e-6f);
        backend.normHeads(found, 5, layout, backend.upload(queries), backend.upload(keys), 1e-6f);
        float[] rows = all(backend, found, 5, layout.columns());
        assertClose(rows, all(truth, expected, 5, layout.columns()), layout.queryColumns());
        int firstValue = layout.queryColumns() + layout.kvColumns();
        assertThat(java.util.Arrays.copyOfRange(rows, firstValue, layout.columns()))
                .as("values stay as they are")
                .isEqualTo(java.util.Arrays.copyOfRange(in, firstValue, layout.columns()));
    }

    @ParameterizedTest
    @CsvSource({"4, 2, 12, 12", "4, 2, 12, 6", "3, 1, 64, 64", "2, 2, 80, 32"})
    void ropeMatches(int heads, int kvHeads, int headDim, int rotaryDim) {
        HeadLayout layout = new HeadLayout(heads, kvHeads, headDim);
        float[] in = values(9 * layout.columns());
        float[] angles = values(9 * rotaryDim);
        Buffer expected = buffer(truth, in);
        Buffer found = buffer(backend, in);
        truth.rope(expected, 9, layout, rotaryDim, angles);
        backend.rope(found, 9, layout, rotaryDim, angles);
        assertClose(all(backend, found, 9, layout.columns()), all(truth, expected, 9, layout.columns()), 2);
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void gateMatches(Activation activation) {
        float[] in = values(11 * 2 * 133);
        for (int i = 0; i < in.length; i += 5) {
            in[i] *= 30;
        }
        Buffer expected = truth.allocate(11 * 133);
        Buffer found = backend.allocate(11 * 133);
        truth.gate(buffer(truth, in), 11, 133, activation, expected);
        backend.gate(buffer(backend, in), 11, 133, activation, found);
        assertClose(all(backend, found, 11, 133), all(truth, expected, 11, 133), 1);
    }

    @Test
    void scaleAndSoftCapMatch() {
        float[] in = values(1003);
        for (int i = 0; i < in.length; i += 3) {
            in[i] *= 1000;
        }
        Buffer expected = buffer(truth, in);
        Buffer found = buffer(backend, in);
        truth.scale(expected, 1003, 0.37f);
        backend.scale(found, 1003, 0.37f);
        assertThat(all(backend, found, 1, 1003)).isEqualTo(all(truth, expected, 1, 1003));
        truth.softCap(expected, 1003, 30);
        backend.softCap(found, 1003, 30);
        assertClose(all(backend, found, 1, 1003), all(truth, expected, 1, 1003), 1);
        for (float value : all(backend, found, 1, 1003)) {
            assertThat(value).isBetween(-30f, 30f);
        }
    }

    @Test
    void addAdds() {
        float[] a = values(1003);
        float[] b = values(1003);
        Buffer sum = buffer(backend, b);
        backend.add(buffer(backend, a), 1003, sum);
        float[] found = all(backend, sum, 1, 1003);
        for (int i = 0; i < 1003; i++) {
            assertThat(found[i]).isEqualTo(a[i] + b[i]);
        }
    }

    @Test
    void gatherRowsPicks() {
        float[] in = values(6 * 5);
        Buffer out = backend.allocate(3 * 5);
        backend.gatherRows(buffer(backend, in), new int[] {5, 0, 3}, 3, 5, out);
        float[] found = all(backend, out, 3, 5);
        assertThat(row(found, 0, 5)).isEqualTo(row(in, 5, 5));
        assertThat(row(found, 1, 5)).isEqualTo(row(in, 0, 5));
        assertThat(row(found, 2, 5)).isEqualTo(row(in, 3, 5));
    }

    private float[] matmul(
            Backend on, float[] in, int rows, Tensor weight, Tensor bias, Activation activation, int columns) {
        Buffer out = on.allocate((long) rows * columns);
        Weight b = bias == null ? null : on.upload(bias);
        on.matmul(buffer(on, in), rows, on.upload(weight), b, activation, out);
        return all(on, out, rows, columns);
    }
}
