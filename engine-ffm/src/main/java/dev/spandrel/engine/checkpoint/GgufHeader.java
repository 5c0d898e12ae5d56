package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The head of one GGUF file, version 2 or 3 (ggml's docs/gguf.md): keys with values, then the tensors' names and places.
 * Everything is checked against the file's length before it is used; arrays stay where they lie.
 *
 * @param metadata values by key, in the file's order: Long, Double, Boolean, String or {@link GgufArray}
 * @param tensors their places checked
 */
record GgufHeader(Map<String, Object> metadata, List<TensorEntry> tensors) {
    static final int MAGIC = 0x46554747;

    /** ggml's own limits, GGML_MAX_DIMS and the longest name plus room. */
    private static final int MOST_DIMENSIONS = 4;

    private static final int LONGEST_NAME = 1 << 16;
    /** Keys are bounded by the file; this bounds what a big file of empty keys could ask for. */
    private static final long MOST_ENTRIES = 1 << 20;
    /** Bytes that even the smallest key with value, and the smallest tensor, take. */
    private static final int LEAST_KEY_BYTES = 8 + 4 + 1;

    private static final int LEAST_TENSOR_BYTES = 8 + 4 + 4 + 8;
    private static final long DEFAULT_ALIGNMENT = 32;

    /** See {@link FileFormat#read}. */
    static List<TensorEntry> tensors(String file, MemorySegment mapped, List<String> problems) {
        try {
            return read(mapped).tensors;
        } catch (FormatException e) {
            problems.add(file + ": " + e.getMessage());
            return List.of();
        }
    }

    /** @throws FormatException at the first thing that is wrong */
    static GgufHeader read(MemorySegment mapped) {
        ByteReader in = new ByteReader(mapped, 0, mapped.byteSize());
        int magic = in.i32();
        if (magic != MAGIC) {
            throw new FormatException(0, "expected GGUF, found 0x" + Integer.toHexString(magic));
        }
        int version = in.i32();
        if (version != 2 && version != 3) {
            boolean bigEndian = Integer.reverseBytes(version) == 2 || Integer.reverseBytes(version) == 3;
            throw new FormatException(
                    4,
                    "expected version 2 or 3, found "
                            + (bigEndian ? "a big-endian file" : Integer.toUnsignedString(version)));
        }
        long tensorCount = count(in, "tensors", LEAST_TENSOR_BYTES);
        long keyCount = count(in, "keys", LEAST_KEY_BYTES);
        Map<String, Object> metadata = new LinkedHashMap<>();
        for (long i = 0; i < keyCount; i++) {
            long at = in.position();
            String key = name(in, "key");
            if (metadata.put(key, GgufArray.value(in, mapped)) != null) {
                throw new FormatException(at, "key " + key + ": found twice");
            }
        }
        return new GgufHeader(metadata, tensors(in, tensorCount, alignment(metadata), mapped.byteSize()));
    }

    private static long count(ByteReader in, String what, int leastBytes) {
        long at = in.position();
        long count = in.i64();
        long most = Math.min(MOST_ENTRIES, in.remaining() / leastBytes);
        if (count < 0 || count > most) {
            throw new FormatException(
                    at, "expected at most " + most + " " + what + ", found " + Long.toUnsignedString(count));
        }
        return count;
    }

    private static String name(ByteReader in, String what) {
        long at = in.position();
        long length = in.i64();
        if (length < 0 || length > LONGEST_NAME) {
            throw new FormatException(
                    at,
                    "expected a " + what + " of at most " + LONGEST_NAME + " bytes, found "
                            + Long.toUnsignedString(length));
        }
        return in.utf8(length);
    }

    private static long alignment(Map<String, Object> metadata) {
        Object value = metadata.getOrDefault("general.alignment", DEFAULT_ALIGNMENT);
        if (value instanceof Long alignment
                && alignment >= 1
                && alignment <= 1 << 20
                && Long.bitCount(alignment) == 1) {
            return alignment;
        }
        throw new FormatException(0, "general.alignment: expected a power of two up to 1048576, found " + value);
    }

    private static List<TensorEntry> tensors(ByteReader in, long count, long alignment, long fileSize) {
        List<TensorEntry> relative = new ArrayList<>();
        Set<String> names = new HashSet<>();
        List<Long> places = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            places.add(in.position());
            TensorEntry entry = tensor(in, alignment);
            if (!names.add(entry.name())) {
                throw new FormatException(places.getLast(), "tensor " + entry.name() + ": found twice");
            }
            relative.add(entry);
        }
        long data = (in.position() + alignment - 1) / alignment * alignment;
        List<TensorEntry> entries = new ArrayList<>();
        for (int i = 0; i < relative.size(); i++) {
            TensorEntry entry = relative.get(i);
            long room = fileSize - data - entry.offset();
            if (room < 0 || entry.size() > room) {
                throw new FormatException(
                        places.get(i),
                        "tensor " + entry.name() + ": expected " + entry.size() + " bytes from byte " + entry.offset()
                                + " of the data, found " + Math.max(0, room) + " (truncated?)");
            }
            entries.add(entry.movedBy(data));
        }
        return entries;
    }

    /** One tensor, its offset still that within the data. */
    private static TensorEntry tensor(ByteReader in, long alignment) {
        long at = in.position();
        String name = name(in, "tensor name");
        long dimensions = in.u32();
        if (dimensions > MOST_DIMENSIONS) {
            throw new FormatException(
                    at,
                    "tensor " + name + ": expected at most " + MOST_DIMENSIONS + " dimensions, found " + dimensions);
        }
        List<Long> shape = new ArrayList<>();
        for (int i = 0; i < dimensions; i++) {
            // Innermost first in the file.
            shape.addFirst(in.i64());
        }
        long type = in.u32();
        long offset = in.i64();
        DType dtype = GgufType.dtype(type);
        if (offset < 0 || offset % alignment != 0) {
            throw new FormatException(
                    at,
                    "tensor " + name + ": expected an offset in steps of " + alignment + ", found "
                            + Long.toUnsignedString(offset));
        }
        return new TensorEntry(
                name, GgufType.name(type), dtype, shape, offset, dtype == null ? 0 : size(at, name, dtype, shape));
    }

    private static long size(long at, String name, DType dtype, List<Long> shape) {
        try {
            if (shape.stream().anyMatch(dimension -> dimension < 0)
                    || dtype.isQuantized() && (shape.isEmpty() || shape.getLast() % dtype.blockElements() != 0)) {
                throw new FormatException(
                        at,
                        "tensor " + name + ": expected rows of whole blocks of " + dtype.blockElements() + ", found "
                                + dtype + " " + shape);
            }
            return dtype.bytes(Tensor.elements(shape));
        } catch (ArithmeticException e) {
            throw new FormatException(
                    at, "tensor " + name + ": expected a size a file can have, found " + dtype + " " + shape);
        }
    }
}
