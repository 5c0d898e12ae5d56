package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How a panel keeps one of GGUF's block types: what the file says, bit for bit, turned so that what 64 outputs have in common
 * lies together. One frame and a table of numbers: a weight is scale × (quant − zero), plus or less a minimum.
 *
 * <p>A block of the panel is 64 F16 scales, 64 F16 minima where there are any, then runs of 32 inputs. A run is the factors of
 * its groups, 64 bytes of each kind, and then the planes of the first sixteen outputs, of the next, and so on: {@code base} bits of
 * every quant, then the {@code extra} ones above them. In a plane of w bits, input 4 i + j of the run lies in byte j of step
 * i w / 8, from bit i w % 8 on; a step here is four bytes of each of sixteen outputs. So a row reads its panel from front to back.
 *
 * @param runs runs of 32 inputs in a block
 * @param group inputs under one factor, 32 or 16
 * @param base bits of the first plane
 * @param extra bits of the second plane, or 0
 * @param zero the quant that means 0
 * @param factors what each group adds to the block's own numbers
 * @param minimum 1 where it is added, −1 where it is taken away, 0 where there is none
 */
record BlockLayout(int runs, int group, int base, int extra, int zero, Factors factors, int minimum) {
    /** Inputs of a run. */
    static final int RUN = 32;
    /** Inputs of a run by fours, as a step has them. */
    static final int FOURS = RUN / 4;

    /** What a group has beside the numbers of its block. */
    enum Factors {
        /** Nothing. */
        NONE(0),
        /** A signed byte by which the scale is multiplied. */
        SCALE(1),
        /** A byte by which the scale, then one by which the minimum is multiplied. */
        SCALE_AND_MINIMUM(2),
        /** A byte: the lower four bits are the factor of the scale, the upper four that of the minimum. */
        NIBBLES(1);

        /** Bytes of one output. */
        final int bytes;

        Factors(int bytes) {
            this.bytes = bytes;
        }
    }

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    private static final BlockLayout Q4_1 = new BlockLayout(1, 32, 4, 0, 0, Factors.NONE, 1);
    private static final BlockLayout Q5_0 = new BlockLayout(1, 32, 4, 1, 16, Factors.NONE, 0);
    private static final BlockLayout Q5_1 = new BlockLayout(1, 32, 4, 1, 0, Factors.NONE, 1);
    private static final BlockLayout Q2_K = new BlockLayout(8, 16, 2, 0, 0, Factors.NIBBLES, -1);
    private static final BlockLayout Q3_K = new BlockLayout(8, 16, 2, 1, 4, Factors.SCALE, 0);
    private static final BlockLayout Q4_K = new BlockLayout(8, 32, 4, 0, 0, Factors.SCALE_AND_MINIMUM, -1);
    private static final BlockLayout Q5_K = new BlockLayout(8, 32, 4, 1, 0, Factors.SCALE_AND_MINIMUM, -1);
    private static final BlockLayout Q6_K = new BlockLayout(8, 16, 4, 2, 32, Factors.SCALE, 0);

    /** The layout of a format; null for those that have steps and no planes. */
    static BlockLayout of(WeightFormat format) {
        return switch (format) {
            case Q4_1 -> Q4_1;
            case Q5_0 -> Q5_0;
            case Q5_1 -> Q5_1;
            case Q2_K -> Q2_K;
            case Q3_K -> Q3_K;
            case Q4_K -> Q4_K;
            case Q5_K -> Q5_K;
            case Q6_K -> Q6_K;
            default -> null;
        };
    }

    /** Inputs of a block. */
    int inputs() {
        return runs * RUN;
    }

    /** Groups of a run. */
    int groups() {
        return RUN / group;
    }

    /** Outputs whose planes lie together: a vector of AVX-512. */
    static final int TOGETHER = 16;
    /** Bytes of one step of a plane. */
    static final int STEP = TOGETHER * 4;

    /** Bytes before the first run. */
    int headBytes() {
        return minimum == 0 ? 2 * PANEL : 4 * PANEL;
    }

    /** Bytes of a run before its planes. */
    int factorBytes() {
        return groups() * factors.bytes * PANEL;
    }

    int runBytes() {
        return factorBytes() + (base + extra) * PANEL * 4;
    }

    long blockBytes() {
        return headBytes() + (long) runs * runBytes();
    }

    /** Where the run begins that has an input, behind where its panel begins. */
    long runAt(int input) {
        return input / inputs() * blockBytes() + headBytes() + (long) (input % inputs() / RUN) * runBytes();
    }

    /** Where the first plane of an output lies, behind where its run begins. */
    int planeAt(int lane) {
        return factorBytes() + lane / TOGETHER * (base + extra) * STEP + lane % TOGETHER * 4;
    }

    /** Puts one block of one output into its lane. */
    void put(BlockReader from, long at, MemorySegment data, long block, int lane) {
        from.block(at);
        data.set(SHORT, block + 2L * lane, from.scale);
        if (minimum != 0) {
            data.set(SHORT, block + 2L * PANEL + 2L * lane, from.minimum);
        }
        long to = block + headBytes();
        for (int run = 0; run < runs; run++, to += runBytes()) {
            from.run(run);
            for (int f = 0; f < groups() * factors.bytes; f++) {
                data.set(ValueLayout.JAVA_BYTE, to + (long) f * PANEL + lane, from.factors[f]);
            }
            long plane = to + planeAt(lane);
            put(from.quants, 0, base, data, plane);
            put(from.quants, base, extra, data, plane + (long) base * STEP);
        }
    }

    /** Bits {@code low} to {@code low + width − 1} of each quant to a plane. */
    private static void put(int[] quants, int low, int width, MemorySegment data, long plane) {
        if (width == 0) {
            return;
        }
        int mask = ((1 << width) - 1) * 0x01010101;
        int inStep = 8 / width;
        for (int step = 0; step < width; step++) {
            int bits = 0;
            for (int i = 0; i < inStep; i++) {
                bits |= (quants[step * inStep + i] >>> low & mask) << i * width;
            }
            data.set(INT, plane + (long) step * STEP, bits);
        }
    }

    /**
     * Reads an output's weights back, rounded as the plain reading rounds.
     *
     * @param panel where the output's panel begins
     * @param into takes them from index {@code at} on, or has them added to it
     */
    void row(MemorySegment data, long panel, int lane, int columns, float[] into, int at, boolean accumulate) {
        for (int input = 0; input < columns; input += group) {
            long block = panel + input / inputs() * blockBytes();
            long run = panel + runAt(input);
            float scale = scale(data, block, run, input % RUN / group, lane);
            float least = minimum(data, block, run, input % RUN / group, lane);
            for (int four = input % RUN / 4; four < (input % RUN + group) / 4; four++) {
                int quants = quants(data, run + planeAt(lane), four);
                for (int j = 0; j < 4; j++) {
                    float value = scale * ((quants >>> 8 * j & 255) - zero) + least;
                    int to = at + input / RUN * RUN + 4 * four + j;
                    into[to] = accumulate ? into[to] + value : value;
                }
            }
        }
    }

    /** Four quants of a run, in the bytes of an int. */
    private int quants(MemorySegment data, long plane, int four) {
        int low = bits(data, plane, four * base) & ((1 << base) - 1) * 0x01010101;
        if (extra == 0) {
            return low;
        }
        int high = bits(data, plane + (long) base * STEP, four * extra) & ((1 << extra) - 1) * 0x01010101;
        return low | high << base;
    }

    /** A step of a plane, shifted down to a bit of its bytes. */
    private static int bits(MemorySegment data, long plane, int bit) {
        return data.get(INT, plane + (long) (bit / 8) * STEP) >>> bit % 8;
    }

    /** The scale of a group of a run. */
    float scale(MemorySegment data, long block, long run, int in, int lane) {
        float scale = Float.float16ToFloat(data.get(SHORT, block + 2L * lane));
        return switch (factors) {
            case NONE -> scale;
            case NIBBLES -> scale * (data.get(ValueLayout.JAVA_BYTE, factor(run, in, 0, lane)) & 15);
            default -> scale * data.get(ValueLayout.JAVA_BYTE, factor(run, in, 0, lane));
        };
    }

    /** What is added to the weights of a group; −0 leaves any number as it is. */
    float minimum(MemorySegment data, long block, long run, int in, int lane) {
        if (minimum == 0) {
            return -0f;
        }
        float least = Float.float16ToFloat(data.get(SHORT, block + 2L * PANEL + 2L * lane));
        if (factors == Factors.SCALE_AND_MINIMUM) {
            least *= data.get(ValueLayout.JAVA_BYTE, factor(run, in, 1, lane));
        } else if (factors == Factors.NIBBLES) {
            least *= data.get(ValueLayout.JAVA_BYTE, factor(run, in, 0, lane)) >> 4 & 15;
        }
        return minimum < 0 ? -least : least;
    }

    private long factor(long run, int in, int kind, int lane) {
        return run + (long) (in * factors.bytes + kind) * PANEL + lane;
    }
}
