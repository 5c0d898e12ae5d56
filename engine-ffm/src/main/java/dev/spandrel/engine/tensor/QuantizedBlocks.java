package dev.spandrel.engine.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The plain reading of GGUF's blocks (ggml-quants.c, dequantize_row_*), in runs of 32 elements: the truth that kernels are
 * held to. Sums and products are rounded one by one, as the reference does.
 */
final class QuantizedBlocks {
    /** Elements read at a time: the block of the simple types, the part of a K block with one set of nibbles. */
    private static final int RUN = 32;

    /** Added to anything, it leaves the bits as they are, those of −0 too. */
    private static final float NO_MINIMUM = -0f;

    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private QuantizedBlocks() {}

    static void toFloats(Tensor tensor, long first, int count, float[] into, int at) {
        float[] run = new float[RUN];
        long end = first + count;
        for (long from = first / RUN * RUN; from < end; from += RUN) {
            read(tensor.dtype(), tensor.data(), from, run);
            int skipped = (int) Math.max(0, first - from);
            int taken = (int) Math.min(RUN, end - from) - skipped;
            System.arraycopy(run, skipped, into, (int) (at + from + skipped - first), taken);
        }
    }

    private static void read(DType dtype, MemorySegment data, long element, float[] run) {
        long block = element / dtype.blockElements() * dtype.blockBytes();
        int part = (int) (element % dtype.blockElements()) / RUN;
        switch (dtype) {
            case Q8_0 -> q8(data, block, run);
            case Q4_0 -> nibbles(data, block + 2, f16(data, block), 8, NO_MINIMUM, run);
            case Q4_1 -> nibbles(data, block + 4, f16(data, block), 0, f16(data, block + 2), run);
            case Q5_0 -> fiveBits(data, block + 2, f16(data, block), 16, NO_MINIMUM, run);
            case Q5_1 -> fiveBits(data, block + 4, f16(data, block), 0, f16(data, block + 2), run);
            case Q2_K -> q2k(data, block, part, run);
            case Q3_K -> q3k(data, block, part, run);
            case Q4_K -> q4k(data, block, part, run);
            case Q5_K -> q5k(data, block, part, run);
            case Q6_K -> q6k(data, block, part, run);
            default -> throw new IllegalArgumentException(dtype + " is not stored in blocks");
        }
    }

    private static void q8(MemorySegment data, long block, float[] run) {
        float scale = f16(data, block);
        for (int i = 0; i < RUN; i++) {
            run[i] = scale * data.get(ValueLayout.JAVA_BYTE, block + 2 + i);
        }
    }

    /** Low nibbles are the first sixteen elements, high ones the others. */
    private static void nibbles(MemorySegment data, long at, float scale, int zero, float minimum, float[] run) {
        for (int i = 0; i < RUN / 2; i++) {
            int pair = u8(data, at + i);
            run[i] = scale * ((pair & 15) - zero) + minimum;
            run[i + RUN / 2] = scale * ((pair >> 4) - zero) + minimum;
        }
    }

    /** As {@link #nibbles}, behind 32 fifth bits. */
    private static void fiveBits(MemorySegment data, long at, float scale, int zero, float minimum, float[] run) {
        int fifth = data.get(I32, at);
        for (int i = 0; i < RUN / 2; i++) {
            int pair = u8(data, at + 4 + i);
            int low = pair & 15 | (fifth >>> i & 1) << 4;
            int high = pair >> 4 | (fifth >>> i + RUN / 2 & 1) << 4;
            run[i] = scale * (low - zero) + minimum;
            run[i + RUN / 2] = scale * (high - zero) + minimum;
        }
    }

    /** Half blocks of 128: 32 bytes with four pairs of bits; before them a scale and a minimum for each 16, four bits each. */
    private static void q2k(MemorySegment data, long block, int part, float[] run) {
        float scale = f16(data, block + 80);
        float minimum = f16(data, block + 82);
        long at = block + 16 + part / 4 * RUN;
        for (int i = 0; i < RUN; i++) {
            int factors = u8(data, block + 2 * part + i / 16);
            int bits = u8(data, at + i) >> 2 * (part % 4) & 3;
            run[i] = scale * (factors & 15) * bits - minimum * (factors >> 4);
        }
    }

    /** As {@link #q2k}, behind 32 bytes with third bits of all eight parts. */
    private static void q3k(MemorySegment data, long block, int part, float[] run) {
        float scale = f16(data, block + 108);
        long at = block + 32 + part / 4 * RUN;
        for (int i = 0; i < RUN; i++) {
            int third = u8(data, block + i) >> part & 1;
            int bits = u8(data, at + i) >> 2 * (part % 4) & 3 | third << 2;
            run[i] = scale * (sixBits(data, block + 96, 2 * part + i / 16) - 32) * (bits - 4);
        }
    }

    /** Sixteen numbers of six bits in twelve bytes: lower four of the first eight, of the others, then the upper two. */
    private static int sixBits(MemorySegment data, long at, int index) {
        int lower = u8(data, at + index % 8) >> index / 8 * 4 & 15;
        return lower | (u8(data, at + 8 + index % 4) >> index / 4 * 2 & 3) << 4;
    }

    private static void q4k(MemorySegment data, long block, int part, float[] run) {
        float scale = f16(data, block) * kScale(data, block + 4, part);
        float minimum = f16(data, block + 2) * kMinimum(data, block + 4, part);
        long at = block + 16 + part / 2 * RUN;
        int shift = part % 2 * 4;
        for (int i = 0; i < RUN; i++) {
            run[i] = scale * (u8(data, at + i) >> shift & 15) - minimum;
        }
    }

    private static void q5k(MemorySegment data, long block, int part, float[] run) {
        float scale = f16(data, block) * kScale(data, block + 4, part);
        float minimum = f16(data, block + 2) * kMinimum(data, block + 4, part);
        long at = block + 48 + part / 2 * RUN;
        int shift = part % 2 * 4;
        for (int i = 0; i < RUN; i++) {
            int fifth = u8(data, block + 16 + i) >> part & 1;
            run[i] = scale * (u8(data, at + i) >> shift & 15 | fifth << 4) - minimum;
        }
    }

    /** Half blocks of 128: 64 bytes of low nibbles, then of high ones; 32 bytes with four pairs of upper bits. */
    private static void q6k(MemorySegment data, long block, int part, float[] run) {
        int half = part / 4;
        int quarter = part % 4;
        long low = block + 64 * half + quarter % 2 * RUN;
        long high = block + 128 + RUN * half;
        long scales = block + 192 + 2 * part;
        float scale = f16(data, block + 208);
        for (int i = 0; i < RUN; i++) {
            int bits = u8(data, low + i) >> quarter / 2 * 4 & 15 | (u8(data, high + i) >> 2 * quarter & 3) << 4;
            run[i] = scale * data.get(ValueLayout.JAVA_BYTE, scales + i / 16) * (bits - 32);
        }
    }

    /** Eight scales of six bits, then eight minima, in twelve bytes: the last four keep their upper bits in the first. */
    private static int kScale(MemorySegment data, long at, int part) {
        return part < 4 ? u8(data, at + part) & 63 : u8(data, at + part + 4) & 15 | u8(data, at + part - 4) >> 6 << 4;
    }

    private static int kMinimum(MemorySegment data, long at, int part) {
        return part < 4 ? u8(data, at + part + 4) & 63 : u8(data, at + part + 4) >> 4 | u8(data, at + part) >> 6 << 4;
    }

    private static int u8(MemorySegment data, long at) {
        return data.get(ValueLayout.JAVA_BYTE, at) & 0xff;
    }

    private static float f16(MemorySegment data, long at) {
        return Float.float16ToFloat(data.get(I16, at));
    }
}
