package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Takes GGUF's blocks (ggml-common.h) apart into what {@link BlockLayout} keeps, four quants at a time in the bytes of an int: loading
 * reads every weight of a model this way. The plain reading, to which this is held, is {@code tensor.QuantizedBlocks}.
 */
final class BlockReader {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final int LOW = 0x0F0F0F0F;
    private static final int ONES = 0x01010101;
    /** Multiplied by four bits, it puts one of them at the bottom of each byte. */
    private static final int SPREAD = 0x00204081;

    /** F16 of the block. */
    short scale;

    short minimum;
    /** Of the run, input 4 i + j in byte j of element i. */
    final int[] quants = new int[BlockLayout.FOURS];
    /** Of the run, group after group. */
    final byte[] factors = new byte[2];

    private final WeightFormat format;
    private final MemorySegment data;
    private long at;

    /** @param data rows as the file has them */
    BlockReader(WeightFormat format, MemorySegment data) {
        this.format = format;
        this.data = data;
    }

    /** Begins with the block at a byte. */
    void block(long from) {
        at = from;
        long numbers = at
                + switch (format) {
                    case Q2_K -> 80;
                    case Q3_K -> 108;
                    case Q6_K -> 208;
                    default -> 0;
                };
        scale = data.get(SHORT, numbers);
        // Of a type without one, whatever lies there; nobody asks for it.
        minimum = data.get(SHORT, numbers + 2);
    }

    /** Reads one run of the block. */
    void run(int run) {
        switch (format) {
            case Q4_1 -> nibbles(at + 4);
            case Q5_0 -> {
                nibbles(at + 6);
                fifthBits(data.get(INT, at + 2));
            }
            case Q5_1 -> {
                nibbles(at + 8);
                fifthBits(data.get(INT, at + 4));
            }
            case Q2_K -> {
                pairs(at + 16, run);
                factors[0] = data.get(ValueLayout.JAVA_BYTE, at + 2 * run);
                factors[1] = data.get(ValueLayout.JAVA_BYTE, at + 2 * run + 1);
            }
            case Q3_K -> {
                pairs(at + 32, run);
                for (int i = 0; i < BlockLayout.FOURS; i++) {
                    quants[i] |= (data.get(INT, at + 4 * i) >>> run & ONES) << 2;
                }
                factors[0] = aroundZero(2 * run);
                factors[1] = aroundZero(2 * run + 1);
            }
            case Q4_K -> {
                factors(run);
                halves(at + 16, run);
            }
            case Q5_K -> {
                factors(run);
                halves(at + 48, run);
                for (int i = 0; i < BlockLayout.FOURS; i++) {
                    quants[i] |= (data.get(INT, at + 16 + 4 * i) >>> run & ONES) << 4;
                }
            }
            case Q6_K -> sixBits(run);
            default -> throw new IllegalStateException(format + " has no blocks of planes");
        }
    }

    /** Low nibbles are the first sixteen inputs, high ones the others. */
    private void nibbles(long from) {
        for (int i = 0; i < 4; i++) {
            int pairs = data.get(INT, from + 4 * i);
            quants[i] = pairs & LOW;
            quants[i + 4] = pairs >>> 4 & LOW;
        }
    }

    private void fifthBits(int bits) {
        for (int i = 0; i < BlockLayout.FOURS; i++) {
            quants[i] |= ((bits >>> 4 * i & 15) * SPREAD & ONES) << 4;
        }
    }

    /** Runs come in pairs: the low nibbles of 32 bytes, then the high ones. */
    private void halves(long from, int run) {
        long pair = from + run / 2 * 32;
        int shift = run % 2 * 4;
        for (int i = 0; i < BlockLayout.FOURS; i++) {
            quants[i] = data.get(INT, pair + 4 * i) >>> shift & LOW;
        }
    }

    /** Half blocks of 128: 32 bytes with four pairs of bits. */
    private void pairs(long from, int run) {
        for (int i = 0; i < BlockLayout.FOURS; i++) {
            quants[i] = data.get(INT, from + run / 4 * 32 + 4 * i) >>> 2 * (run % 4) & 3 * ONES;
        }
    }

    /** Of sixteen factors of six bits around 32 in twelve bytes: lower four of the first eight, of the others, then the upper two. */
    private byte aroundZero(int index) {
        int lower = data.get(ValueLayout.JAVA_BYTE, at + 96 + index % 8) >> index / 8 * 4 & 15;
        int upper = data.get(ValueLayout.JAVA_BYTE, at + 104 + index % 4) >> index / 4 * 2 & 3;
        return (byte) ((lower | upper << 4) - 32);
    }

    /** Half blocks of 128: 64 bytes of low nibbles, then of high ones; 32 bytes with four pairs of upper bits. */
    private void sixBits(int run) {
        int half = run / 4;
        int quarter = run % 4;
        long low = at + 64 * half + quarter % 2 * 32;
        long high = at + 128 + 32 * half;
        for (int i = 0; i < BlockLayout.FOURS; i++) {
            int upper = data.get(INT, high + 4 * i) >>> 2 * quarter & 3 * ONES;
            quants[i] = data.get(INT, low + 4 * i) >>> quarter / 2 * 4 & LOW | upper << 4;
        }
        factors[0] = data.get(ValueLayout.JAVA_BYTE, at + 192 + 2 * run);
        factors[1] = data.get(ValueLayout.JAVA_BYTE, at + 193 + 2 * run);
    }

    /** Eight scales of six bits, then eight minima, in twelve bytes: the last four keep their upper bits in the first. */
    private void factors(int run) {
        long from = at + 4 + run;
        int first = data.get(ValueLayout.JAVA_BYTE, from);
        int second = data.get(ValueLayout.JAVA_BYTE, from + 4);
        if (run < 4) {
            factors[0] = (byte) (first & 63);
            factors[1] = (byte) (second & 63);
            return;
        }
        int before = data.get(ValueLayout.JAVA_BYTE, from - 4);
        factors[0] = (byte) (second & 15 | (before & 0xC0) >> 2);
        factors[1] = (byte) (second >> 4 & 15 | (first & 0xC0) >> 2);
    }
}
