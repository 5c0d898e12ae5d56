package dev.spandrel.engine.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads little-endian values off a mapped file, from a place on; never beyond the end. Not thread-safe. */
final class ByteReader {
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment data;
    private final long end;
    private long at;

    /** Reads from {@code at} to {@code end − 1}, both within the data. */
    ByteReader(MemorySegment data, long at, long end) {
        this.data = data;
        this.at = at;
        this.end = end;
    }

    long position() {
        return at;
    }

    long remaining() {
        return end - at;
    }

    int u8() {
        return data.get(ValueLayout.JAVA_BYTE, take(1)) & 0xff;
    }

    int u16() {
        return data.get(I16, take(2)) & 0xffff;
    }

    int i32() {
        return data.get(I32, take(4));
    }

    long u32() {
        return i32() & 0xffffffffL;
    }

    long i64() {
        return data.get(I64, take(8));
    }

    byte[] bytes(long count) {
        long from = take(count);
        return data.asSlice(from, count).toArray(ValueLayout.JAVA_BYTE);
    }

    String utf8(long length) {
        return new String(bytes(length), StandardCharsets.UTF_8);
    }

    /** Text up to a line feed, which is passed over. */
    String line() {
        long from = at;
        for (long i = from; i < end; i++) {
            if (data.get(ValueLayout.JAVA_BYTE, i) == '\n') {
                String line = utf8(i - from);
                at = i + 1;
                return line;
            }
        }
        throw new FormatException(from, "expected a line, found no end of it");
    }

    /** Passes over bytes; returns where they begin. */
    long take(long count) {
        if (count < 0 || count > remaining()) {
            throw new FormatException(at, "expected " + count + " more bytes, found " + remaining());
        }
        long from = at;
        at += count;
        return from;
    }
}
