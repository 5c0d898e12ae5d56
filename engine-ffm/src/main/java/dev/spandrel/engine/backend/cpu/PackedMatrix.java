package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;

import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.tensor.Elements;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A weight matrix packed for broadcast tiles: panels of {@link VectorConstants#PANEL} rows, each stored as columns × PANEL
 * so that the weights of one input for 64 outputs lie together; the last panel is padded with zeros. One layout serves
 * one row and many, which keeps their sums in one order. A vector is stored as it is, padded to whole panels.
 *
 * @param rows outputs, or the vector's length
 * @param columns inputs, or 1
 * @param data F32, 64-byte aligned
 */
record PackedMatrix(int rows, int columns, MemorySegment data) implements Weight {
    /** Stacks the parts and packs them. */
    static PackedMatrix pack(Arena arena, Tensor... parts) {
        int columns = parts[0].shape().size() == 1 ? 1 : parts[0].size(1);
        int rows = 0;
        for (Tensor part : parts) {
            rows += part.size(0);
        }
        long padded = (rows + PANEL - 1L) / PANEL * PANEL;
        MemorySegment data = arena.allocate(padded * columns * 4, VectorConstants.ALIGNMENT);
        float[] row = new float[columns];
        int at = 0;
        for (Tensor part : parts) {
            for (int r = 0; r < part.size(0); r++, at++) {
                Elements.toFloats(part, (long) r * columns, columns, row, 0);
                long base = offset(at, columns);
                for (int c = 0; c < columns; c++) {
                    data.set(ValueLayout.JAVA_FLOAT, base + (long) c * PANEL * 4, row[c]);
                }
            }
        }
        return new PackedMatrix(rows, columns, data);
    }

    /** Byte offset of the first column of a row; the next column lies PANEL floats further. */
    static long offset(int row, int columns) {
        return ((long) (row / PANEL) * PANEL * columns + row % PANEL) * 4;
    }

    /** Number of panels. */
    int panels() {
        return (rows + PANEL - 1) / PANEL;
    }
}
