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
    /** Columns widened at a time: their panel stays in the first-level cache while its rows come one by one. */
    private static final int STRIP = 64;

    /** Stacks the parts and packs them, panels at the same time. */
    static PackedMatrix pack(Arena arena, Workers workers, Tensor... parts) {
        int columns = parts[0].shape().size() == 1 ? 1 : parts[0].size(1);
        int rows = 0;
        for (Tensor part : parts) {
            rows += part.size(0);
        }
        long padded = (rows + PANEL - 1L) / PANEL * PANEL;
        PackedMatrix packed =
                new PackedMatrix(rows, columns, arena.allocate(padded * columns * 4, VectorConstants.ALIGNMENT));
        workers.run(packed.panels(), (panel, worker) -> packed.fill(panel, parts));
        return packed;
    }

    private void fill(int panel, Tensor[] parts) {
        int first = panel * PANEL;
        int count = Math.min(PANEL, rows - first);
        float[] strip = new float[PANEL * STRIP];
        float[] row = new float[STRIP];
        for (int from = 0; from < columns; from += STRIP) {
            int width = Math.min(STRIP, columns - from);
            for (int r = 0; r < count; r++) {
                read(parts, first + r, from, width, row);
                for (int c = 0; c < width; c++) {
                    strip[c * PANEL + r] = row[c];
                }
            }
            long at = offset(first, columns) + (long) from * PANEL * 4;
            MemorySegment.copy(strip, 0, data, ValueLayout.JAVA_FLOAT, at, width * PANEL);
        }
    }

    /** Part of a row of the stack, as F32. */
    private void read(Tensor[] parts, int row, int from, int width, float[] into) {
        int at = row;
        for (Tensor part : parts) {
            if (at < part.size(0)) {
                Elements.toFloats(part, (long) at * columns + from, width, into, 0);
                return;
            }
            at -= part.size(0);
        }
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
