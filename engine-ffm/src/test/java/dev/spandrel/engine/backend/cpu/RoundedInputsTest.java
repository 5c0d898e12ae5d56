package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendContract;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The whole contract with inputs rounded to bytes, within what that rounding may do; and by machine code and by the Vector API
 * against the plain loops that round as {@link dev.spandrel.engine.backend.ByteRounding} says, within rounding errors of F32.
 */
class RoundedInputsTest extends BackendContract {
    /** Rows take whole and odd tiles, columns whole and odd panels, inputs whole and odd blocks. */
    private static final int[][] SIZES = {
        {1, 32, 64},
        {1, 576, 192},
        {2, 31, 63},
        {3, 33, 129},
        {5, 200, 65},
        {6, 96, 64},
        {13, 768, 192},
        {32, 64, 70},
        {49, 100, 97},
        {100, 320, 128}
    };

    private static WeightPolicy rounding(WeightPolicy policy) {
        return new WeightPolicy(policy.dtype(), policy.quantization(), "int8");
    }

    @Override
    protected Backend create(WeightPolicy policy) {
        // Packed for AMX where there is one, and not multiplied by it: with tiles BF16 bits depend on the rows beside.
        return new CpuBackend(BackendOptions.threads(2).with(rounding(policy)).withAmxFrom(Integer.MAX_VALUE));
    }

    /** Half a step of 254 for each input of normal numbers, of which some part cancels. */
    @Override
    protected double inputRounding(WeightFormat format) {
        return switch (format) {
            case F32, F16 -> 0;
            case BF16 -> 8e-3;
            default -> 2e-2;
        };
    }

    static Stream<WeightFormat> rounded() {
        return Stream.of(WeightFormat.values())
                .filter(format -> format != WeightFormat.F32)
                .filter(format -> format != WeightFormat.F16 && format != WeightFormat.BF16);
    }

    @ParameterizedTest
    @MethodSource("rounded")
    void fastAndPlainAreOne(WeightFormat format) {
        WeightPolicy policy = policy(format);
        BackendOptions options = BackendOptions.threads(3).with(policy);
        try (Backend machine = new CpuBackend(options);
                Backend vectors = new CpuBackend(options.withoutMachineCode())) {
            for (int[] each : SIZES) {
                int[] size = {each[0], wholeBlocks(format, each[1]), each[2]};
                Tensor weight = weight(format, size[2], size[1]);
                Tensor bias = tensor(DType.F32, size[2]);
                float[] in = values(size[0] * size[1]);
                in[in.length / 2] = 100;
                float[] expected = multiplied(new ReferenceBackend(policy), in, size, weight, bias);
                assertClose(multiplied(machine, in, size, weight, bias), expected, size[1]);
                assertClose(multiplied(vectors, in, size, weight, bias), expected, size[1]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("rounded")
    void aRowAloneHasTheSameBits(WeightFormat format) {
        try (Backend machine = new CpuBackend(BackendOptions.threads(2).with(policy(format)))) {
            int inner = wholeBlocks(format, 96);
            Tensor weight = weight(format, 130, inner);
            float[] in = values(53 * inner);
            float[] batch = multiplied(machine, in, new int[] {53, inner, 130}, weight, null);
            for (int r = 0; r < 53; r++) {
                float[] alone = multiplied(machine, row(in, r, inner), new int[] {1, inner, 130}, weight, null);
                assertThat(alone).as("row %d", r).isEqualTo(row(batch, r, 130));
            }
        }
    }

    /** A row of zeros, one next to zero, one with infinity and one with no number leave the rows beside them alone. */
    @Test
    void whatCannotBeRoundedStaysInItsRow() {
        WeightPolicy policy = policy(WeightFormat.INT8);
        Tensor weight = weight(WeightFormat.INT8, 64, 64);
        float[] in = values(6 * 64);
        for (int c = 0; c < 64; c++) {
            in[c] = 0;
            in[64 + c] = Float.MIN_VALUE * c;
        }
        in[2 * 64 + 7] = Float.NEGATIVE_INFINITY;
        in[3 * 64 + 40] = Float.NaN;
        BackendOptions options = BackendOptions.threads(1).with(policy);
        try (Backend machine = new CpuBackend(options);
                Backend vectors = new CpuBackend(options.withoutMachineCode())) {
            for (Backend each : new Backend[] {machine, vectors, new ReferenceBackend(policy)}) {
                float[] found = multiplied(each, in, new int[] {6, 64, 64}, weight, null);
                assertThat(row(found, 0, 64)).containsOnly(0);
                assertThat(row(found, 1, 64)).containsOnly(0);
                assertThat(row(found, 2, 64)).containsOnly(Float.NaN);
                assertThat(row(found, 3, 64)).containsOnly(Float.NaN);
                assertThat(row(found, 4, 64)).doesNotContain(Float.NaN).doesNotContain(0);
            }
        }
    }

    private static WeightPolicy policy(WeightFormat format) {
        return new WeightPolicy(
                "auto",
                switch (format) {
                    case INT8 -> "int8";
                    case Q4_0 -> "int4";
                    default -> "none";
                },
                "int8");
    }

    /** What a file has in blocks, it has in whole ones. */
    private static int wholeBlocks(WeightFormat format, int columns) {
        if (isQuantizedOnLoad(format)) {
            return columns;
        }
        int block = DType.valueOf(format.name()).blockElements();
        return (columns + block - 1) / block * block;
    }

    private static boolean isQuantizedOnLoad(WeightFormat format) {
        return format == WeightFormat.INT8 || format == WeightFormat.Q4_0;
    }

    private Tensor weight(WeightFormat format, int rows, int columns) {
        return isQuantizedOnLoad(format)
                ? tensor(DType.F32, rows, columns)
                : blocks(DType.valueOf(format.name()), rows, columns);
    }

    private float[] multiplied(Backend on, float[] in, int[] size, Tensor weight, Tensor bias) {
        Buffer out = on.allocate((long) size[0] * size[2]);
        on.matmul(
                buffer(on, in),
                size[0],
                on.upload(weight),
                bias == null ? null : on.upload(bias),
                Activation.NONE,
                out);
        return all(on, out, size[0], size[2]);
    }
}
