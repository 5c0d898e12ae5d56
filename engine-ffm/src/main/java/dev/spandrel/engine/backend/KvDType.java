package dev.spandrel.engine.backend;

/** What keys and values are stored as. */
public enum KvDType {
    /** As computed: the same bits whatever the batch. */
    F32(4, 0),
    /** IEEE 754 binary16, saturating. */
    F16(2, 0),
    /** The upper half of an F32, rounded to nearest even. */
    BF16(2, 0),
    /** 8-bit integers with an F32 scale per token and head: largest magnitude / 127. */
    INT8(1, 4);

    private final int byteSize;
    private final int scaleBytes;

    KvDType(int byteSize, int scaleBytes) {
        this.byteSize = byteSize;
        this.scaleBytes = scaleBytes;
    }

    /** Bytes of one element. */
    public int byteSize() {
        return byteSize;
    }

    /** Bytes that one token's keys, or values, of one head take. */
    public long bytes(int headDim) {
        return (long) byteSize * headDim + scaleBytes;
    }

    /** The BF16 nearest to a value, as its 16 bits; ties to even, NaN stays NaN. */
    public static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }

    /** The F16 nearest to a value, as its 16 bits; what is too large becomes the largest finite. */
    public static short toF16(float value) {
        return Float.floatToFloat16(Math.clamp(value, -65504f, 65504f));
    }

    /** The scale of INT8 for a stretch of values. */
    public static float int8Scale(float[] values, int from, int count) {
        float most = 0;
        for (int i = from; i < from + count; i++) {
            most = Math.max(most, Math.abs(values[i]));
        }
        return most / 127;
    }

    /** The INT8 nearest to a value. */
    public static byte toInt8(float value, float scale) {
        return scale == 0 ? 0 : (byte) Math.clamp(Math.round(value / scale), -127, 127);
    }
}
