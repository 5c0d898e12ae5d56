package dev.spandrel.engine.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** AMX tiles against plain loops, on a processor that has them; bench/amx/run.sh runs this on an emulated one. */
class AmxKernelsTest {
    private static final WeightPolicy BF16 = new WeightPolicy("bfloat16", "none");
    private static final WeightPolicy INT8 = new WeightPolicy("auto", "int8");
    private static final int ROWS = AmxKernels.ROWS;
    private static final int PANEL = VectorConstants.PANEL;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    @BeforeAll
    static void needsTiles() {
        assumeTrue(
                MachineKernels.cpu().has("amx_tile"),
                "this processor has no AMX; bench/amx/run.sh runs this on an emulated one");
        assertThat(AmxKernels.refusal())
                .as("why there are no tiles though the processor has them")
                .isNull();
    }

    /** Small integers, whose sums are exact in any order: every output of a call, with steps of one tile and of three. */
    @ParameterizedTest
    @ValueSource(ints = {16, 48})
    void brainFloatsAreMultipliedExactly(int steps) {
        try (Arena arena = Arena.ofConfined()) {
            short[] a = shorts(ROWS * steps * 2);
            short[] w = shorts(steps * PANEL * 2);
            MemorySegment c = call(arena, WeightFormat.BF16, steps, MemorySegment.ofArray(a), MemorySegment.ofArray(w));
            for (int r = 0; r < ROWS; r++) {
                for (int n = 0; n < PANEL; n++) {
                    float sum = 0;
                    for (int k = 0; k < 2 * steps; k++) {
                        sum += wide(a[r * 2 * steps + k]) * wide(w[(k / 2 * PANEL + n) * 2 + k % 2]);
                    }
                    assertThat(c.getAtIndex(ValueLayout.JAVA_FLOAT, r * PANEL + n))
                            .as("row %d, output %d, seed %d", r, n, seed)
                            .isEqualTo(sum);
                }
            }
        }
    }

    /** Inputs are signed and weights are not: bytes of all values show which is which. */
    @ParameterizedTest
    @ValueSource(ints = {16, 48})
    void bytesAreMultipliedExactly(int steps) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] a = new byte[ROWS * steps * 4];
            byte[] w = new byte[steps * PANEL * 4];
            random.nextBytes(a);
            random.nextBytes(w);
            MemorySegment c = call(arena, WeightFormat.INT8, steps, MemorySegment.ofArray(a), MemorySegment.ofArray(w));
            for (int r = 0; r < ROWS; r++) {
                for (int n = 0; n < PANEL; n++) {
                    int sum = 0;
                    for (int k = 0; k < 4 * steps; k++) {
                        sum += a[r * 4 * steps + k] * (w[(k / 4 * PANEL + n) * 4 + k % 4] & 255);
                    }
                    assertThat(c.getAtIndex(ValueLayout.JAVA_INT, r * PANEL + n))
                            .as("row %d, output %d, seed %d", r, n, seed)
                            .isEqualTo(sum);
                }
            }
        }
    }

    /** Every number of rows up to two calls and some, with inputs and outputs beside the edges of steps and panels. */
    @Test
    void productsOfEveryHeightMatchPlainLoops() {
        int[] inner = {1, 3, 31, 33, 64, 65, 127, 130};
        int[] outputs = {1, 63, 64, 65, 127, 129};
        try (Backend tiles = backend(BF16, 1);
                Backend bytes = backend(INT8, 1);
                Backend packed = backend(INT8, Integer.MAX_VALUE);
                Backend without = backend(INT8, 0)) {
            for (int rows = 1; rows <= 70; rows++) {
                int columns = inner[rows % inner.length];
                int width = outputs[rows % outputs.length];
                String what = rows + " rows of " + columns + " by " + width + ", seed " + seed;
                float[] in = floats(rows * columns);
                float[] w = floats(width * columns);
                float[] found = multiply(tiles, in, rows, columns, w, width);
                assertClose(what, found, multiply(new ReferenceBackend(BF16), in, rows, columns, w, width), 1e-5);
                float[] exact = multiply(bytes, in, rows, columns, w, width);
                assertClose(what, exact, multiply(new ReferenceBackend(INT8), in, rows, columns, w, width), 1e-4);
                assertThat(exact).as(what).isEqualTo(multiply(without, in, rows, columns, w, width));
                // Fewer rows than tiles are for meet panels that are padded for tiles.
                assertThat(exact).as(what).isEqualTo(multiply(packed, in, rows, columns, w, width));
            }
        }
    }

    /** A gate's halves go through tiles in one task, and what they let through is all that is written. */
    @Test
    void gatedProductsMatchThoseWithoutTiles() {
        float[] in = floats(37 * 70);
        float[] w = floats(256 * 70);
        for (WeightPolicy policy : new WeightPolicy[] {BF16, INT8}) {
            try (Backend tiles = backend(policy, 1);
                    Backend without = backend(policy, 0)) {
                assertClose(policy + ", seed " + seed, gate(tiles, in, w), gate(without, in, w), 1e-5);
            }
        }
    }

    /** Below the number of rows given, tiles stay out of it; from there on they do not. */
    @Test
    void tilesBeginWhereTheyAreToldTo() {
        try (CpuBackend backend = backend(BF16, 16)) {
            assertThat(backend.description()).contains("AMX from 16 rows");
            multiply(backend, floats(15 * 64), 15, 64, floats(64 * 64), 64);
            assertThat(backend.amxProducts()).isZero();
            multiply(backend, floats(16 * 64), 16, 64, floats(64 * 64), 64);
            assertThat(backend.amxProducts()).isEqualTo(1);
        }
    }

    private static CpuBackend backend(WeightPolicy policy, int amxRows) {
        return new CpuBackend(BackendOptions.threads(1).with(policy).withAmxFrom(amxRows));
    }

    /** 32 rows that lie one behind the other, by one panel. */
    private static MemorySegment call(
            Arena arena, WeightFormat format, int steps, MemorySegment rows, MemorySegment panel) {
        MemorySegment a = arena.allocate(rows.byteSize(), 64).copyFrom(rows);
        MemorySegment w = arena.allocate(panel.byteSize(), 64).copyFrom(panel);
        MemorySegment c = arena.allocate(4L * ROWS * PANEL, 64).fill((byte) -1);
        AmxKernels.run(format, a.address(), 4L * steps, w.address(), c.address(), 4L * PANEL, steps);
        return c;
    }

    private float[] multiply(Backend on, float[] in, int rows, int columns, float[] w, int width) {
        HostBuffer out = HostBuffer.of((long) rows * width);
        on.matmul(filled(in), rows, on.upload(tensor(w, width, columns)), null, Activation.NONE, out);
        return out.values();
    }

    private static float[] gate(Backend on, float[] in, float[] w) {
        HostBuffer out = HostBuffer.of(37 * 128);
        HostBuffer both = HostBuffer.of(37 * 256);
        on.normMatmulGate(filled(in), 37, null, on.upload(tensor(w, 256, 70)), null, Activation.SILU, null, both, out);
        return out.values();
    }

    private static HostBuffer filled(float[] values) {
        HostBuffer buffer = HostBuffer.of(values.length);
        System.arraycopy(values, 0, buffer.values(), 0, values.length);
        return buffer;
    }

    private static Tensor tensor(float[] values, int rows, int columns) {
        MemorySegment data = Arena.ofAuto().allocate(4L * values.length, 64).copyFrom(MemorySegment.ofArray(values));
        return new Tensor(DType.F32, List.of((long) rows, (long) columns), data);
    }

    private static void assertClose(String what, float[] found, float[] expected, double rounding) {
        double largest = 1;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) found[i])
                    .as("%s: element %d", what, i)
                    .isCloseTo(expected[i], within(rounding * largest));
        }
    }

    /** Integers from −8 to 8 as BF16. */
    private short[] shorts(int count) {
        short[] values = new short[count];
        for (int i = 0; i < count; i++) {
            values[i] = (short) (Float.floatToRawIntBits(random.nextInt(-8, 9)) >>> 16);
        }
        return values;
    }

    private static float wide(short value) {
        return Float.intBitsToFloat(value << 16);
    }

    /** Numbers that BF16 holds exactly, so that nothing is rounded before it is multiplied. */
    private float[] floats(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = Float.intBitsToFloat(Float.floatToRawIntBits((float) random.nextGaussian()) >>> 16 << 16);
        }
        return values;
    }
}
