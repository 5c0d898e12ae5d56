package dev.spandrel.engine.backend;

import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Elements;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/**
 * What a matrix is kept as, row by row. The formats of files keep their names and bytes; {@link #INT8} is ours. Encoding
 * and decoding here are plain loops that say what the bytes mean; kernels have layouts of their own.
 */
public enum WeightFormat {
    /** As computed. */
    F32,
    /** IEEE 754 binary16, saturating. */
    F16,
    /** The upper half of an F32, rounded to nearest even. */
    BF16,
    /** Signed bytes, then one F32 scale for the row: its largest magnitude / 127. */
    INT8,
    /** Blocks of 32 signed bytes behind an F16 scale, as in GGUF. */
    Q8_0,
    /** Blocks of 32 × 4 bits around 8 behind an F16 scale, as in GGUF; element i in the low half of byte i, i + 16 in the high. */
    Q4_0,
    /** As GGUF stores it. */
    Q4_1,
    /** As GGUF stores it. */
    Q5_0,
    /** As GGUF stores it. */
    Q5_1,
    /** As GGUF stores it. */
    Q2_K,
    /** As GGUF stores it. */
    Q3_K,
    /** As GGUF stores it. */
    Q4_K,
    /** As GGUF stores it. */
    Q5_K,
    /** As GGUF stores it. */
    Q6_K;

    /** Elements of a block in the blocked formats. */
    public static final int BLOCK = 32;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    /** The format that keeps a stored type as it is. */
    public static WeightFormat of(DType dtype) {
        return valueOf(dtype.name());
    }

    /** Whether a stored type is this format, byte for byte. */
    public boolean is(DType dtype) {
        return name().equals(dtype.name());
    }

    /** The type that a file stores it as; null for {@link #INT8}. */
    private DType stored() {
        return this == INT8 ? null : DType.valueOf(name());
    }

    /** Bytes of one row; a last block that is not full counts whole. */
    public long rowBytes(int columns) {
        return switch (this) {
            case F32 -> 4L * columns;
            case F16, BF16 -> 2L * columns;
            case INT8 -> columns + 4L;
            case Q8_0 -> blocks(columns) * (2 + BLOCK);
            case Q4_0 -> blocks(columns) * (2 + BLOCK / 2);
            default -> stored().bytes(columns);
        };
    }

    private static long blocks(int columns) {
        return (columns + BLOCK - 1L) / BLOCK;
    }

    /** Writes a row at byte {@code at}; what the format cannot say is rounded. */
    public void encode(float[] row, int columns, MemorySegment into, long at) {
        switch (this) {
            case F32 -> MemorySegment.copy(row, 0, into, FLOAT, at, columns);
            case F16 -> {
                for (int c = 0; c < columns; c++) {
                    into.set(SHORT, at + 2L * c, KvDType.toF16(row[c]));
                }
            }
            case BF16 -> {
                for (int c = 0; c < columns; c++) {
                    into.set(SHORT, at + 2L * c, KvDType.toBf16(row[c]));
                }
            }
            case INT8 -> {
                float scale = KvDType.int8Scale(row, 0, columns);
                for (int c = 0; c < columns; c++) {
                    into.set(BYTE, at + c, KvDType.toInt8(row[c], scale));
                }
                into.set(FLOAT, at + columns, scale);
            }
            case Q8_0 -> {
                for (int from = 0; from < columns; from += BLOCK, at += 2 + BLOCK) {
                    encodeQ8(row, from, Math.min(BLOCK, columns - from), into, at);
                }
            }
            case Q4_0 -> {
                for (int from = 0; from < columns; from += BLOCK, at += 2 + BLOCK / 2) {
                    encodeQ4(row, from, Math.min(BLOCK, columns - from), into, at);
                }
            }
            default -> throw new UnsupportedOperationException(this + " is read, not written");
        }
    }

    private static void encodeQ8(float[] row, int from, int count, MemorySegment into, long at) {
        short bits = KvDType.toF16(KvDType.int8Scale(row, from, count));
        float scale = Float.float16ToFloat(bits);
        into.set(SHORT, at, bits);
        for (int i = 0; i < BLOCK; i++) {
            into.set(BYTE, at + 2 + i, i < count ? KvDType.toInt8(row[from + i], scale) : 0);
        }
    }

    /** The value of largest magnitude becomes −8, the one end that the other side lacks. */
    private static void encodeQ4(float[] row, int from, int count, MemorySegment into, long at) {
        float most = 0;
        for (int i = from; i < from + count; i++) {
            most = Math.abs(row[i]) > Math.abs(most) ? row[i] : most;
        }
        short bits = KvDType.toF16(most / -8);
        float scale = Float.float16ToFloat(bits);
        into.set(SHORT, at, bits);
        for (int i = 0; i < BLOCK / 2; i++) {
            int low = i < count ? nibble(row[from + i], scale) : 8;
            int high = i + BLOCK / 2 < count ? nibble(row[from + i + BLOCK / 2], scale) : 8;
            into.set(BYTE, at + 2 + i, (byte) (low | high << 4));
        }
    }

    private static int nibble(float value, float scale) {
        return scale == 0 ? 8 : Math.clamp(Math.round(value / scale), -8, 7) + 8;
    }

    /** Reads a row that starts at byte {@code at}. */
    public void decode(MemorySegment from, long at, int columns, float[] into) {
        switch (this) {
            case F32 -> MemorySegment.copy(from, FLOAT, at, into, 0, columns);
            case F16 -> {
                for (int c = 0; c < columns; c++) {
                    into[c] = Float.float16ToFloat(from.get(SHORT, at + 2L * c));
                }
            }
            case BF16 -> {
                for (int c = 0; c < columns; c++) {
                    into[c] = Float.intBitsToFloat(from.get(SHORT, at + 2L * c) << 16);
                }
            }
            case INT8 -> {
                float scale = from.get(FLOAT, at + columns);
                for (int c = 0; c < columns; c++) {
                    into[c] = from.get(BYTE, at + c) * scale;
                }
            }
            case Q8_0 -> {
                for (int c = 0; c < columns; c++) {
                    long block = at + c / BLOCK * (2L + BLOCK);
                    into[c] = Float.float16ToFloat(from.get(SHORT, block)) * from.get(BYTE, block + 2 + c % BLOCK);
                }
            }
            case Q4_0 -> {
                for (int c = 0; c < columns; c++) {
                    long block = at + c / BLOCK * (2L + BLOCK / 2);
                    int pair = from.get(BYTE, block + 2 + c % (BLOCK / 2));
                    int nibble = (c % BLOCK < BLOCK / 2 ? pair : pair >> 4) & 15;
                    into[c] = Float.float16ToFloat(from.get(SHORT, block)) * (nibble - 8);
                }
            }
            default -> Elements.toFloats(row(from, at, columns), 0, columns, into, 0);
        }
    }

    private Tensor row(MemorySegment from, long at, int columns) {
        return new Tensor(stored(), List.of((long) columns), from.asSlice(at, rowBytes(columns)));
    }
}
