package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The inputs of a matmul rounded to signed bytes, one F32 scale for each block of 32, as {@code --activation-dtype int8}
 * wants them and {@link ByteTileCode} reads them; {@link dev.spandrel.engine.backend.ByteRounding} is the plain
 * truth. A block is its 32 bytes, then its scale, then what its integer sums begin with: minus the weights' zero point times the sum
 * of the bytes. For weights in blocks of planes a row is all its bytes, then what {@link PlaneCode} wants with each group. A row is read from itself alone. Runs at 512 bits only, where the listings do.
 */
final class ByteActivations {
    /** Where in a block its scale lies, and its zero. */
    static final int SCALE = WeightFormat.BLOCK;

    static final int ZERO = SCALE + 4;
    /** Bytes from block to block. */
    static final int BLOCK_BYTES = ZERO + 4;
    /** Bytes of what goes with a group of planes: what its sum begins with or the sum itself, then the scale. */
    private static final int GROUP_BYTES = 8;

    /** Magnitudes of no number and of infinity, as bits, are no smaller. */
    private static final int INFINITE = 0x7F800000;
    /** Adding and taking away 1.5 × 2^23 rounds to the nearest integer, ties to even. */
    private static final float ROUND = 12_582_912f;

    private static final int ROUND_BITS = Float.floatToRawIntBits(ROUND);
    private static final int MAGNITUDE = Integer.MAX_VALUE;
    private static final VectorSpecies<Integer> INTS = SPECIES.withLanes(int.class);
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, SPECIES.vectorBitSize() / 4)));

    /** A last block that is not full, for each worker. */
    private final float[][] tails;

    private MemorySegment data = MemorySegment.NULL;
    private int columns;
    private int blocks;
    private int stride;
    private int zero;
    /** What blocks of planes are made of, or null. */
    private BlockLayout layout;

    ByteActivations(int workers) {
        tails = new float[workers][WeightFormat.BLOCK];
    }

    /** Takes the rows of a matmul on; what it had before is lost. Its room grows to the largest step and stays. */
    void begin(Arena arena, int rows, PackedMatrix w) {
        columns = w.columns();
        blocks = (columns + WeightFormat.BLOCK - 1) / WeightFormat.BLOCK;
        layout = BlockLayout.of(w.format());
        int rowBytes = layout == null ? blocks * BLOCK_BYTES : columns + columns / layout.group() * GROUP_BYTES;
        // Whole cache lines.
        stride = (rowBytes + 63) / 64 * 64;
        zero = w.format() == WeightFormat.Q4_0 ? 8 : 128;
        long bytes = (long) stride * rows;
        if (data.byteSize() < bytes) {
            data = NarrowActivations.global(
                    arena.allocate(Math.max(bytes, 2 * data.byteSize()), VectorConstants.ALIGNMENT));
        }
    }

    /** Bytes from one row to the next. */
    long stride() {
        return stride;
    }

    int blocks() {
        return blocks;
    }

    /** Address of a row. */
    long row(int row) {
        return data.address() + (long) row * stride;
    }

    /** Address of what goes with a row's groups of planes. */
    long withGroups(int row) {
        return row(row) + columns;
    }

    /**
     * Converts columns of a row: whole blocks, or up to the row's end.
     *
     * @param from holds them from {@code at} on
     */
    void convert(float[] from, int at, int row, int column, int count, int worker) {
        long line = (long) row * stride;
        int next = layout == null ? BLOCK_BYTES : WeightFormat.BLOCK;
        long to = line + column / WeightFormat.BLOCK * (long) next;
        int end = at + count;
        for (int i = at; i < end; i += WeightFormat.BLOCK, to += next) {
            float[] source = from;
            int first = i;
            if (i + WeightFormat.BLOCK > end) {
                // Not by masks: those of a load at an array's end are garbage.
                source = tails[worker];
                first = 0;
                Arrays.fill(source, end - i, WeightFormat.BLOCK, 0);
                System.arraycopy(from, i, source, 0, end - i);
            }
            FloatVector a = FloatVector.fromArray(SPECIES, source, first);
            FloatVector b = FloatVector.fromArray(SPECIES, source, first + LANES);
            IntVector magnitudes = a.reinterpretAsInts().and(MAGNITUDE);
            int most = magnitudes.max(b.reinterpretAsInts().and(MAGNITUDE)).reduceLanes(VectorOperators.MAX);
            float factor = factor(most);
            IntVector low = a.mul(factor).add(ROUND).reinterpretAsInts().sub(ROUND_BITS);
            IntVector high = b.mul(factor).add(ROUND).reinterpretAsInts().sub(ROUND_BITS);
            store(low, to);
            store(high, to + LANES);
            if (layout == null) {
                data.set(ValueLayout.JAVA_FLOAT, to + SCALE, scale(most));
                data.set(ValueLayout.JAVA_INT, to + ZERO, -zero * low.add(high).reduceLanes(VectorOperators.ADD));
            } else {
                int lowSum = low.reduceLanes(VectorOperators.ADD);
                group(line + columns, column + i - at, lowSum, high.reduceLanes(VectorOperators.ADD), scale(most));
            }
        }
    }

    /** What goes with the groups of a block that begins at a column. */
    private void group(long groups, int column, int lowSum, int highSum, float scale) {
        if (layout.group() == WeightFormat.BLOCK) {
            group(groups + column / WeightFormat.BLOCK * (long) GROUP_BYTES, lowSum + highSum, scale);
        } else {
            long half = groups + column / LANES * (long) GROUP_BYTES;
            group(half, lowSum, scale);
            group(half + GROUP_BYTES, highSum, scale);
        }
    }

    /** What goes with a group whose bytes have a sum: see {@link PlaneCode}. */
    private void group(long to, int sum, float scale) {
        int with = layout.minimum() == 0 ? -layout.zero() * sum : Float.floatToRawIntBits(sum * scale);
        data.set(ValueLayout.JAVA_INT, to, with);
        data.set(ValueLayout.JAVA_FLOAT, to + 4, scale);
    }

    /** What a block of this largest magnitude, as bits, is multiplied by; 0 where there is nothing but zeros and what lies next to them. */
    private static float factor(int most) {
        float factor = 127 / Float.intBitsToFloat(most);
        return factor < Float.POSITIVE_INFINITY ? factor : 0;
    }

    /** No number where a block has an infinity or no number; its bytes mean nothing then. */
    private static float scale(int most) {
        float largest = Float.intBitsToFloat(most);
        return most >= INFINITE ? Float.NaN : 127 / largest < Float.POSITIVE_INFINITY ? largest / 127 : 0;
    }

    private void store(IntVector values, long at) {
        ((ByteVector) values.convertShape(VectorOperators.I2B, BYTES, 0)).intoMemorySegment(data, at, ORDER);
    }
}
