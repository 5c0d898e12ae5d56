package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import tools.jackson.core.JacksonException;

/**
 * The header of one safetensors file: eight bytes of length, then JSON, then the data it describes. Nothing in it is
 * trusted: what is returned has been checked against the file's length, the tensors' shapes and each other.
 *
 * @param dataOffset first byte of the data, from the start of the file
 * @param entries the tensors; empty when the file has a problem
 */
record SafetensorsHeader(long dataOffset, List<Entry> entries) {
    /** The format's own implementation refuses longer ones. */
    static final long MAX_BYTES = 100_000_000;

    private static final int LENGTH_BYTES = 8;
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * One tensor as the header describes it.
     *
     * @param dtype the type's name in the file
     * @param begin first byte, from the start of the data
     * @param end byte after the last, from the start of the data
     */
    record Entry(String name, String dtype, List<Long> shape, long begin, long end) {
        /** The type when this version reads it, else null. */
        DType supported() {
            return DType.plain(dtype);
        }
    }

    /** See {@link FileFormat#read}. */
    static List<TensorEntry> tensors(String file, MemorySegment mapped, List<String> problems) {
        SafetensorsHeader header = read(file, mapped, problems);
        return header.entries.stream()
                .map(entry -> new TensorEntry(
                        entry.name,
                        entry.dtype,
                        entry.supported(),
                        entry.shape,
                        header.dataOffset + entry.begin,
                        entry.end - entry.begin))
                .toList();
    }

    /**
     * Reads and checks one file.
     *
     * @param file name for messages
     * @param problems takes one line for each thing found wrong
     */
    static SafetensorsHeader read(String file, MemorySegment mapped, List<String> problems) {
        int before = problems.size();
        long fileSize = mapped.byteSize();
        long length = length(file, mapped, problems);
        List<Entry> entries = length < 0 ? List.of() : parse(file, mapped, length, problems);
        if (problems.size() == before) {
            entries.forEach(entry -> checkSize(file, entry, problems));
            checkPlaces(file, entries, LENGTH_BYTES + length, fileSize, problems);
        }
        return new SafetensorsHeader(LENGTH_BYTES + length, problems.size() == before ? entries : List.of());
    }

    private static long length(String file, MemorySegment mapped, List<String> problems) {
        long fileSize = mapped.byteSize();
        if (fileSize < LENGTH_BYTES) {
            problems.add(
                    file + ": at byte 0: expected 8 bytes of header length, found a file of " + fileSize + " bytes");
            return -1;
        }
        long length = mapped.get(LENGTH, 0);
        if (length < 0 || length > MAX_BYTES) {
            problems.add(file + ": at byte 0: expected a header length of at most " + MAX_BYTES + ", found "
                    + Long.toUnsignedString(length) + " (not a safetensors file?)");
            return -1;
        }
        if (length > fileSize - LENGTH_BYTES) {
            problems.add(file + ": at byte 8: expected a header of " + length + " bytes, found "
                    + (fileSize - LENGTH_BYTES) + " bytes to the end of the file");
            return -1;
        }
        if (length < 2 || mapped.get(ValueLayout.JAVA_BYTE, LENGTH_BYTES) != '{') {
            problems.add(file + ": at byte 8: expected a header that begins with '{', found "
                    + (length == 0
                            ? "an empty one"
                            : "byte " + (mapped.get(ValueLayout.JAVA_BYTE, LENGTH_BYTES) & 0xff)));
            return -1;
        }
        return length;
    }

    private static List<Entry> parse(String file, MemorySegment mapped, long length, List<String> problems) {
        byte[] json = mapped.asSlice(LENGTH_BYTES, length).toArray(ValueLayout.JAVA_BYTE);
        try {
            return new SafetensorsHeaderParser(file, problems).parse(json);
        } catch (JacksonException e) {
            long at = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getByteOffset());
            problems.add(file + ": at byte " + (LENGTH_BYTES + at) + ": expected a JSON header, found: "
                    + e.getOriginalMessage());
            return List.of();
        }
    }

    private static void checkSize(String file, Entry entry, List<String> problems) {
        if (entry.supported() == null) {
            return;
        }
        long found = entry.end() - entry.begin();
        try {
            long expected = entry.supported().bytes(Tensor.elements(entry.shape()));
            if (expected != found) {
                problems.add(file + ": tensor " + entry.name() + ": " + entry.dtype() + " " + entry.shape() + " takes "
                        + expected + " bytes, found " + found);
            }
        } catch (ArithmeticException e) {
            problems.add(
                    file + ": tensor " + entry.name() + ": shape " + entry.shape() + " has more elements than 2^63");
        }
    }

    /** The format wants the data covered without holes or overlaps, so that nothing can hide in a file. */
    private static void checkPlaces(
            String file, List<Entry> entries, long dataOffset, long fileSize, List<String> problems) {
        List<Entry> byPlace = new ArrayList<>(entries);
        byPlace.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long covered = 0;
        String last = "the header";
        for (Entry entry : byPlace) {
            if (entry.begin() != covered) {
                problems.add(file + ": at byte " + (dataOffset + covered) + ": expected the tensor after " + last
                        + " at data offset " + covered + ", found " + entry.name() + " at " + entry.begin()
                        + (entry.begin() < covered ? " (overlap)" : " (hole)"));
            }
            covered = Math.max(covered, entry.end());
            last = entry.name();
        }
        long dataSize = fileSize - dataOffset;
        if (covered != dataSize) {
            problems.add(file + ": expected " + covered + " bytes of data from byte " + dataOffset + ", found "
                    + dataSize + (covered > dataSize ? " (truncated?)" : " (trailing bytes)"));
        }
    }
}
