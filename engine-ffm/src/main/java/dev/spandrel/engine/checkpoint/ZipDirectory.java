package dev.spandrel.engine.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Where the files of a zip archive lie, for archives that store without compressing, as torch.save does (PKWARE's
 * APPNOTE.TXT, sections 4.3 and 4.5.3). The JDK's reader gives streams, not places, and mapped weights need places.
 */
final class ZipDirectory {
    /** A stretch of the archive. */
    record Place(long offset, long size) {}

    private static final int END = 0x06054b50;
    private static final int END_BYTES = 22;
    private static final int LOCATOR_64 = 0x07064b50;
    private static final int LOCATOR_64_BYTES = 20;
    private static final int END_64 = 0x06064b50;
    private static final int ENTRY = 0x02014b50;
    private static final int LOCAL = 0x04034b50;
    private static final long IN_EXTRA = 0xffffffffL;
    private static final int EXTRA_64 = 1;
    private static final int LONGEST_COMMENT = 0xffff;

    private final MemorySegment data;

    private ZipDirectory(MemorySegment data) {
        this.data = data;
    }

    /**
     * Places by name.
     *
     * @throws FormatException when the archive is damaged, compressed or encrypted
     */
    static Map<String, Place> read(MemorySegment data) {
        return new ZipDirectory(data).entries();
    }

    private Map<String, Place> entries() {
        long end = findEnd();
        ByteReader in = from(end + 10);
        long count = in.u16();
        in.u32();
        long directory = in.u32();
        if (directory == IN_EXTRA || count == 0xffff) {
            ByteReader large = from(end64(end) + 32);
            count = large.i64();
            large.i64();
            directory = large.i64();
        }
        ByteReader entries = from(directory);
        Map<String, Place> places = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            entry(entries, places);
        }
        return places;
    }

    private long findEnd() {
        long least = Math.max(0, data.byteSize() - END_BYTES - LONGEST_COMMENT);
        for (long at = data.byteSize() - END_BYTES; at >= least; at--) {
            if (data.get(ValueLayout.JAVA_BYTE, at) == 'P' && from(at).i32() == END) {
                return at;
            }
        }
        throw new FormatException(data.byteSize(), "expected the end of a zip archive, found none; is the file whole?");
    }

    private long end64(long end) {
        ByteReader locator = from(end - LOCATOR_64_BYTES);
        expect(locator, LOCATOR_64, "the zip64 locator");
        locator.u32();
        long at = locator.i64();
        expect(from(at), END_64, "the zip64 end of the archive");
        return at;
    }

    private void entry(ByteReader in, Map<String, Place> places) {
        long at = in.position();
        expect(in, ENTRY, "an entry of the archive's directory");
        in.take(4);
        int flags = in.u16();
        int method = in.u16();
        in.take(8);
        long compressed = in.u32();
        long size = in.u32();
        int nameLength = in.u16();
        int extraLength = in.u16();
        int commentLength = in.u16();
        in.take(8);
        long local = in.u32();
        String name = in.utf8(nameLength);
        long extra = in.take(extraLength);
        in.take(commentLength);
        long[] wide = wide(extra, extra + extraLength, size, compressed, local);
        if (method != 0 || (flags & 1) != 0 || wide[0] != wide[1]) {
            throw new FormatException(at, name + ": expected a file stored as it is, found a compressed or secret one");
        }
        places.put(name, new Place(dataOffset(wide[2], wide[0], name), wide[0]));
    }

    /** Sizes and offset, those that do not fit 32 bits from the extra field, where they stand in this order. */
    private long[] wide(long extra, long end, long... values) {
        ByteReader in = new ByteReader(data, extra, end);
        while (in.remaining() >= 4) {
            int kind = in.u16();
            int length = in.u16();
            long field = in.take(length);
            if (kind == EXTRA_64) {
                ByteReader wide = new ByteReader(data, field, field + length);
                for (int i = 0; i < values.length; i++) {
                    values[i] = values[i] == IN_EXTRA ? wide.i64() : values[i];
                }
            }
        }
        return values;
    }

    private long dataOffset(long local, long size, String name) {
        ByteReader in = from(local);
        expect(in, LOCAL, "the header of " + name);
        in.take(22);
        int nameLength = in.u16();
        int extraLength = in.u16();
        in.take(nameLength + extraLength);
        return in.take(size);
    }

    private static void expect(ByteReader in, int signature, String what) {
        long at = in.position();
        int found = in.i32();
        if (found != signature) {
            throw new FormatException(at, "expected " + what + ", found 0x" + Integer.toHexString(found));
        }
    }

    private ByteReader from(long at) {
        if (at < 0 || at > data.byteSize()) {
            throw new FormatException(at, "expected a place within the " + data.byteSize() + " bytes of the file");
        }
        return new ByteReader(data, at, data.byteSize());
    }
}
