package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The inputs of a matmul as machine code wants them. For BF16 weights they are rounded to BF16. For weights in bytes or
 * nibbles they become 16-bit integers under one scale per row, each split into a signed upper and a signed lower byte, so
 * that two byte products give what a 16-bit product would: errors stay below 1e-5 of a row's largest value, where 8 bits
 * would leave 4e-3. A row is read from itself alone.
 */
final class NarrowActivations {
    /** The largest 16-bit integer whose upper byte, rounded, is still a signed byte. */
    private static final float MOST = 127 * 256;
    /** Below this the reciprocal of the scale would overflow; such a row is all zeros beside any other. */
    private static final float LEAST = 1e-30f;
    /** Adding and taking away 1.5 × 2^23 rounds to the nearest integer, ties to even. */
    private static final float ROUND = 12_582_912f;

    private static final VectorSpecies<Integer> INTS = SPECIES.withLanes(int.class);
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(SPECIES.vectorBitSize() / 2));
    private static final boolean BYTE_VECTORS = LANES >= 8;
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, SPECIES.vectorBitSize() / 4)));

    private MemorySegment data = MemorySegment.NULL;
    private MemorySegment blockSums = MemorySegment.NULL;
    private float[] scales = new float[0];
    private int[] upperSums = new int[0];
    private int[] lowerSums = new int[0];
    private int columns;
    private WeightFormat format;
    private int stride;
    private int blocks;
    private int zero;
    /** What blocks of planes are made of, or null. */
    private BlockLayout layout;

    /** Takes the rows of a matmul on; what it had before is lost. Its room grows to the largest step and stays. */
    void begin(Arena arena, int rows, PackedMatrix w) {
        columns = w.columns();
        format = w.format();
        boolean integers = w.format() != WeightFormat.BF16;
        layout = BlockLayout.of(w.format());
        int rowBytes = layout != null
                ? columns
                : switch (w.format()) {
                    case Q4_0 -> w.steps() * 8;
                    default -> w.steps() * 4;
                };
        // Whole cache lines: a row's last vector is stored whole.
        stride = (rowBytes + 127) / 64 * 64;
        blocks = rowBytes / WeightFormat.BLOCK;
        zero = w.format() == WeightFormat.Q4_0 ? 8 : 128;
        // AMX reads rows by 32; what it makes of those behind the last goes nowhere.
        long bytes = (integers ? 2L : 1L) * stride * (rows + AmxKernels.ROWS);
        if (data.byteSize() < bytes) {
            data = global(arena.allocate(Math.max(bytes, 2 * data.byteSize()), VectorConstants.ALIGNMENT));
        }
        if (integers && scales.length < rows) {
            scales = new float[rows];
            upperSums = new int[rows];
            lowerSums = new int[rows];
        }
        long sums = 8L * blocks * rows;
        // Four bytes for each group of 16 inputs at least.
        if (integers && w.format() != WeightFormat.INT8 && blockSums.byteSize() < sums) {
            blockSums = global(arena.allocate(Math.max(sums, 2 * blockSums.byteSize()), VectorConstants.ALIGNMENT));
        }
    }

    /** The same memory without a lifetime, so that passing it costs no counting; the arena outlives every step. */
    @SuppressWarnings("restricted") // The same bounds, without the lifetime.
    static MemorySegment global(MemorySegment segment) {
        return MemorySegment.ofAddress(segment.address()).reinterpret(segment.byteSize());
    }

    /** Bytes from one row to the next, and from a row's upper bytes to its lower ones. */
    long stride() {
        return stride;
    }

    int blocks() {
        return blocks;
    }

    /** Address of a row; in bytes, of its upper ones. */
    long row(int row, WeightFormat format) {
        return data.address() + (format == WeightFormat.BF16 ? (long) row : 2L * row) * stride;
    }

    /** Address of what the sums of a row's blocks begin with. */
    long sums(int row) {
        return blockSums.address() + 8L * blocks * row;
    }

    /** Bytes of what goes with a row's groups, where the format has them; they lie where other formats have sums of blocks. */
    long groupBytes() {
        return 4L * columns / layout.group();
    }

    /** Address of what goes with a row's groups. */
    long withGroups(int row) {
        return blockSums.address() + groupBytes() * row;
    }

    float scale(int row) {
        return scales[row];
    }

    /** Sum of a row's upper bytes. */
    int upperSum(int row) {
        return upperSums[row];
    }

    int lowerSum(int row) {
        return lowerSums[row];
    }

    /** Whether columns can be converted before the rest of their row is known: integers have one scale for the whole row. */
    static boolean takesPieces(WeightFormat format) {
        return format == WeightFormat.BF16;
    }

    /**
     * Converts columns of a row: all of them, or where the format {@link #takesPieces} some.
     *
     * @param from holds them from {@code at} on
     */
    void convert(float[] from, int at, int row, int column, int count) {
        if (format == WeightFormat.BF16) {
            toBf16(from, at, count, (long) row * stride + 2L * column);
            if (column + count == columns) {
                long end = (long) row * stride + 2L * columns;
                clear(end, (row + 1L) * stride - end);
            }
        } else {
            toIntegers(from, at, row, format != WeightFormat.INT8);
        }
    }

    private void toBf16(float[] a, int at, int count, long to) {
        int c = 0;
        for (; c + LANES <= count; c += LANES) {
            FloatVector x = FloatVector.fromArray(SPECIES, a, at + c);
            IntVector bits = x.reinterpretAsInts();
            IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
            IntVector rounded = bits.add(odd).add(0x7FFF);
            IntVector quiet = bits.or(0x0040_0000);
            IntVector value =
                    rounded.blend(quiet, x.compare(VectorOperators.NE, x).cast(INTS));
            ((ShortVector) value.lanewise(VectorOperators.LSHR, 16).convertShape(VectorOperators.I2S, SHORTS, 0))
                    .intoMemorySegment(data, to + 2L * c, ORDER);
        }
        for (; c < count; c++) {
            data.set(ValueLayout.JAVA_SHORT, to + 2L * c, KvDType.toBf16(a[at + c]));
        }
    }

    /** Two ways of one page each: as one method, a process that has been both ways leaves garbage at every step. */
    private void toIntegers(float[] a, int at, int row, boolean inBlocks) {
        float factor = factor(a, at, row);
        if (layout == null) {
            toBlocks(a, at, row, factor, inBlocks);
        } else {
            toGroups(a, at, row, factor);
        }
    }

    /** Sets a row's scale; what makes integers of its values, or 0 where it has nothing but zeros, or no numbers. */
    private float factor(float[] a, int at, int row) {
        FloatVector most = FloatVector.zero(SPECIES);
        int whole = columns - columns % LANES;
        for (int c = 0; c < whole; c += LANES) {
            most = most.max(FloatVector.fromArray(SPECIES, a, at + c).abs());
        }
        float largest = most.reduceLanes(VectorOperators.MAX);
        for (int c = whole; c < columns; c++) {
            largest = Math.max(largest, Math.abs(a[at + c]));
        }
        boolean nothing = largest < LEAST || !(largest < Float.POSITIVE_INFINITY);
        // Infinity or no number: the outputs of such a row are no numbers either.
        scales[row] = largest < LEAST ? 0 : nothing ? Float.NaN : largest / MOST;
        return nothing ? 0 : MOST / largest;
    }

    private void toBlocks(float[] a, int at, int row, float factor, boolean inBlocks) {
        long upper = 2L * row * stride;
        IntVector upperSum = IntVector.zero(INTS);
        IntVector lowerSum = IntVector.zero(INTS);
        int c = 0;
        for (; c < columns; c += LANES) {
            FloatVector x = factor == 0
                    ? FloatVector.zero(SPECIES)
                    : FloatVector.fromArray(SPECIES, a, at + c, SPECIES.indexInRange(c, columns));
            IntVector q = x.mul(factor).add(ROUND).reinterpretAsInts().sub(Float.floatToRawIntBits(ROUND));
            IntVector high = q.add(128).lanewise(VectorOperators.ASHR, 8);
            IntVector low = q.sub(high.lanewise(VectorOperators.LSHL, 8));
            store(high, upper + c);
            store(low, upper + stride + c);
            upperSum = upperSum.add(high);
            lowerSum = lowerSum.add(low);
            if (inBlocks && ((c + LANES) % WeightFormat.BLOCK == 0 || c + LANES >= columns)) {
                long to = 8L * ((long) blocks * row + c / WeightFormat.BLOCK);
                blockSums.set(ValueLayout.JAVA_INT, to, -zero * upperSum.reduceLanes(VectorOperators.ADD));
                blockSums.set(ValueLayout.JAVA_INT, to + 4, -zero * lowerSum.reduceLanes(VectorOperators.ADD));
                upperSum = IntVector.zero(INTS);
                lowerSum = IntVector.zero(INTS);
            }
        }
        clear(upper + c, stride - c);
        clear(upper + stride + c, stride - c);
        upperSums[row] = upperSum.reduceLanes(VectorOperators.ADD);
        lowerSums[row] = lowerSum.reduceLanes(VectorOperators.ADD);
    }

    /** The same for blocks of planes, whose rows are whole blocks, so that no vector is masked. */
    private void toGroups(float[] a, int at, int row, float factor) {
        long upper = 2L * row * stride;
        IntVector sum = IntVector.zero(INTS);
        int group = layout.group();
        for (int c = 0; c < columns; c += LANES) {
            FloatVector x = factor == 0 ? FloatVector.zero(SPECIES) : FloatVector.fromArray(SPECIES, a, at + c);
            IntVector q = x.mul(factor).add(ROUND).reinterpretAsInts().sub(Float.floatToRawIntBits(ROUND));
            IntVector high = q.add(128).lanewise(VectorOperators.ASHR, 8);
            store(high, upper + c);
            store(q.sub(high.lanewise(VectorOperators.LSHL, 8)), upper + stride + c);
            sum = sum.add(q);
            if ((c + LANES) % group == 0) {
                put(row, c / group, sum.reduceLanes(VectorOperators.ADD));
                sum = IntVector.zero(INTS);
            }
        }
    }

    /** What goes with a group whose inputs have a sum: see {@link PlaneCode}. */
    private void put(int row, int group, int sum) {
        int with = layout.minimum() == 0 ? -layout.zero() * sum : Float.floatToRawIntBits(sum);
        blockSums.set(ValueLayout.JAVA_INT, groupBytes() * row + 4L * group, with);
    }

    /** Without a slice, which would be garbage. */
    private void clear(long at, long count) {
        for (long i = at; i < at + count; i++) {
            data.set(ValueLayout.JAVA_BYTE, i, (byte) 0);
        }
    }

    private void store(IntVector values, long at) {
        if (BYTE_VECTORS) {
            ((ByteVector) values.convertShape(VectorOperators.I2B, BYTES, 0)).intoMemorySegment(data, at, ORDER);
        } else {
            for (int i = 0; i < LANES; i++) {
                data.set(ValueLayout.JAVA_BYTE, at + i, (byte) values.lane(i));
            }
        }
    }
}
