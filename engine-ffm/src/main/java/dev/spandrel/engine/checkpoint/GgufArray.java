package dev.spandrel.engine.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * An array among a GGUF file's values, left where it lies until someone asks for it: its elements' ends were checked when
 * the head was read.
 *
 * @param type number of the elements' type
 * @param count elements
 */
record GgufArray(MemorySegment data, int type, long count, long from, long to) {
    private static final int STRING = 8;
    private static final int ARRAY = 9;

    /** A string's bytes of length, by the numbers of types; 0 for strings and arrays. */
    private static final int[] SIZES = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

    /** One value behind its type's number. */
    static Object value(ByteReader in, MemorySegment data) {
        int type = type(in);
        return type == ARRAY ? array(in, data) : scalar(in, type);
    }

    private static int type(ByteReader in) {
        long at = in.position();
        long type = in.u32();
        if (type >= SIZES.length) {
            throw new FormatException(at, "expected a value's type from 0 to 12, found " + type);
        }
        return (int) type;
    }

    private static GgufArray array(ByteReader in, MemorySegment data) {
        long at = in.position();
        int type = type(in);
        long count = in.i64();
        long from = in.position();
        if (type == ARRAY) {
            throw new FormatException(at, "expected an array of plain values, found one of arrays");
        }
        long least = type == STRING ? 8 : SIZES[type];
        if (count < 0 || count > in.remaining() / least) {
            throw new FormatException(
                    at,
                    "expected an array within the " + in.remaining() + " bytes to the end, found "
                            + Long.toUnsignedString(count) + " elements");
        }
        if (type == STRING) {
            for (long i = 0; i < count; i++) {
                in.take(in.i64());
            }
        } else {
            in.take(count * SIZES[type]);
        }
        return new GgufArray(data, type, count, from, in.position());
    }

    private static Object scalar(ByteReader in, int type) {
        return switch (type) {
            case 0 -> (long) in.u8();
            case 1 -> (long) (byte) in.u8();
            case 2 -> (long) in.u16();
            case 3 -> (long) (short) in.u16();
            case 4 -> in.u32();
            case 5 -> (long) in.i32();
            case 6 -> (double) Float.intBitsToFloat(in.i32());
            case 7 -> in.u8() != 0;
            case STRING -> in.utf8(in.i64());
            case 10, 11 -> in.i64();
            default -> Double.longBitsToDouble(in.i64());
        };
    }

    /** The elements, each as {@link GgufHeader#metadata} has single values. */
    List<Object> values() {
        ByteReader in = new ByteReader(data, from, to);
        // The count was checked against the file's length.
        List<Object> values = new ArrayList<>(Math.toIntExact(count));
        for (long i = 0; i < count; i++) {
            values.add(scalar(in, type));
        }
        return values;
    }

    @Override
    public String toString() {
        return "an array of " + count;
    }
}
