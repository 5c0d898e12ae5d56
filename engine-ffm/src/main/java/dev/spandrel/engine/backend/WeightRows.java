package dev.spandrel.engine.backend;

import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Elements;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Matrices of equal width one below the other, read row by row in the format that a backend keeps. Rows stored in that
 * format already are copied byte for byte, others go through F32.
 */
public final class WeightRows {
    private final WeightFormat format;
    private final Tensor[] parts;
    private final int rows;
    private final int columns;

    /**
     * Stacks tensors of one rank, 1 or 2; vectors are matrices of one column. Neighbours that are kept in one format come
     * as one, since a file may store what belongs together in several.
     *
     * @param format what a stored type is kept as
     */
    public static List<WeightRows> of(Function<DType, WeightFormat> format, Tensor... parts) {
        List<WeightRows> stacks = new ArrayList<>();
        int from = 0;
        for (int i = 1; i <= parts.length; i++) {
            WeightFormat one = format.apply(parts[from].dtype());
            if (i == parts.length || format.apply(parts[i].dtype()) != one) {
                stacks.add(new WeightRows(one, Arrays.copyOfRange(parts, from, i)));
                from = i;
            }
        }
        return stacks;
    }

    private WeightRows(WeightFormat format, Tensor... parts) {
        this.format = format;
        this.parts = parts;
        int count = 0;
        for (Tensor part : parts) {
            count = Math.addExact(count, part.size(0));
        }
        rows = count;
        columns = parts[0].shape().size() == 1 ? 1 : parts[0].size(1);
    }

    public WeightFormat format() {
        return format;
    }

    /** Rows of all parts. */
    public int rows() {
        return rows;
    }

    public int columns() {
        return columns;
    }

    /** Bytes of one row. */
    public long rowBytes() {
        return format.rowBytes(columns);
    }

    /**
     * Writes row {@code row} at byte {@code at}.
     *
     * @param scratch room for one row
     */
    public void read(int row, MemorySegment into, long at, float[] scratch) {
        int in = row;
        int part = 0;
        while (in >= parts[part].size(0)) {
            in -= parts[part].size(0);
            part++;
        }
        Tensor from = parts[part];
        if (format.is(from.dtype())) {
            MemorySegment.copy(from.data(), in * rowBytes(), into, at, rowBytes());
        } else {
            Elements.toFloats(from, (long) in * columns, columns, scratch, 0);
            format.encode(scratch, columns, into, at);
        }
    }
}
