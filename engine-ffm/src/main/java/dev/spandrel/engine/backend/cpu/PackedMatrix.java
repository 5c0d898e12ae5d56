package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;

import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.WeightRows;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A weight matrix packed for broadcast tiles: panels of {@link VectorConstants#PANEL} rows, so that the weights of one input
 * for 64 outputs lie together; the last panel is padded. One layout serves one row and many.
 *
 * <p>Whatever the format, a panel is a row of steps, and a step is four bytes of each of the 64 outputs: one F32, two BF16
 * neighbours, four INT8 neighbours. Only F16 has 64 outputs of one input, then 64 of the next, as vcvtph2ps reads them. Bytes are stored unsigned (value + 128), as vpdpbusd wants one side. An INT8 panel
 * begins with its 64 F32 scales. Q8_0 and Q4_0 panels are blocks of 32 inputs: 64 F16 scales, then eight steps of bytes, or
 * four steps whose low halves are the block's inputs 0 to 15 and whose high halves are 16 to 31.
 *
 * <p>GGUF's other block types are blocks of planes of bits, as {@link BlockLayout} says; a step count of theirs is in blocks.
 *
 * @param rows outputs, or the vector's length
 * @param columns inputs, or 1
 * @param steps steps of a panel, padding included
 * @param data 64-byte aligned
 */
record PackedMatrix(int rows, int columns, WeightFormat format, int steps, MemorySegment data) {
    /** Bytes of one step. */
    static final int STEP = PANEL * 4;
    /** Bytes of the scales before an INT8 panel. */
    static final int ROW_SCALES = PANEL * 4;
    /** Bytes of the scales before a block. */
    static final int BLOCK_SCALES = PANEL * 2;
    /** Steps that one block of 32 inputs takes. */
    static final int Q8_STEPS = WeightFormat.BLOCK / 4;

    static final int Q4_STEPS = WeightFormat.BLOCK / 8;

    /** Turns four signed bytes into value + 128 and back. */
    static final int SIGNS = 0x80808080;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    /** Steps turned at a time: their panel stays in the first-level cache while its rows come one by one. */
    private static final int STRIP = 64;

    /**
     * Packs rows, panels at the same time.
     *
     * @param stepMultiple panels of BF16 and INT8 are padded to so many steps, for tiles that are no shorter
     */
    static PackedMatrix pack(LargeMemory memory, Workers workers, int stepMultiple, WeightRows from) {
        int steps = steps(from.format(), from.columns(), stepMultiple);
        long panels = (from.rows() + PANEL - 1L) / PANEL;
        PackedMatrix packed = new PackedMatrix(
                from.rows(),
                from.columns(),
                from.format(),
                steps,
                memory.allocate(panels * panelBytes(from.format(), steps)));
        Scratch[] scratch = new Scratch[workers.count()];
        workers.run(packed.panels(), (panel, worker) -> {
            if (scratch[worker] == null) {
                scratch[worker] = new Scratch(from);
            }
            packed.fill(panel, from, scratch[worker]);
        });
        return packed;
    }

    private static int steps(WeightFormat format, int columns, int multiple) {
        int blocks = (columns + WeightFormat.BLOCK - 1) / WeightFormat.BLOCK;
        return switch (format) {
            case F32 -> columns;
            case F16 -> (columns + 1) / 2;
            case BF16 -> ((columns + 1) / 2 + multiple - 1) / multiple * multiple;
            case INT8 -> ((columns + 3) / 4 + multiple - 1) / multiple * multiple;
            case Q8_0 -> blocks * Q8_STEPS;
            case Q4_0 -> blocks * Q4_STEPS;
            default -> columns / BlockLayout.of(format).inputs();
        };
    }

    private static long panelBytes(WeightFormat format, int steps) {
        long bytes = (long) steps * STEP;
        return switch (format) {
            case F32, F16, BF16 -> bytes;
            case INT8 -> bytes + PANEL * 4;
            case Q8_0 -> bytes + steps / Q8_STEPS * BLOCK_SCALES;
            case Q4_0 -> bytes + steps / Q4_STEPS * BLOCK_SCALES;
            default -> steps * BlockLayout.of(format).blockBytes();
        };
    }

    /** Number of panels. */
    int panels() {
        return (rows + PANEL - 1) / PANEL;
    }

    /** Byte offset of a panel. */
    long panelAt(int panel) {
        return panel * panelBytes(format, steps);
    }

    long panelAddress(int panel) {
        return data.address() + panelAt(panel);
    }

    /** The rows of one panel as {@link WeightFormat} writes them, each padded to whole steps, and room to turn a strip. */
    private static final class Scratch {
        final long stride;
        final MemorySegment rows;
        final float[] floats;
        final int[] strip = new int[PANEL * STRIP];
        /** Null where the format has no planes. */
        final BlockReader blocks;

        Scratch(WeightRows from) {
            stride = from.rowBytes() + 4;
            rows = MemorySegment.ofArray(new byte[Math.toIntExact(PANEL * stride)]);
            floats = new float[from.columns()];
            blocks = BlockLayout.of(from.format()) == null ? null : new BlockReader(from.format(), rows);
        }
    }

    private void fill(int panel, WeightRows from, Scratch scratch) {
        int first = panel * PANEL;
        int count = Math.min(PANEL, rows - first);
        for (int r = 0; r < count; r++) {
            from.read(first + r, scratch.rows, r * scratch.stride, scratch.floats);
        }
        if (scratch.blocks != null) {
            putPlanes(panel, count, scratch);
            return;
        }
        if (format == WeightFormat.Q8_0 || format == WeightFormat.Q4_0) {
            for (int r = 0; r < count; r++) {
                putBlocks(panel, r, scratch.rows, r * scratch.stride);
            }
            return;
        }
        long to = panelAt(panel);
        if (format == WeightFormat.INT8) {
            for (int r = 0; r < count; r++) {
                data.set(INT, to + r * 4L, scratch.rows.get(INT, r * scratch.stride + columns));
            }
            to += PANEL * 4;
        }
        long rowBytes = format == WeightFormat.INT8 ? columns : from.rowBytes();
        for (int r = 0; r < count; r++) {
            scratch.rows.asSlice(r * scratch.stride + rowBytes, 4).fill((byte) 0);
        }
        if (format == WeightFormat.F16) {
            turnHalves(scratch, count, to);
        } else {
            turn(scratch, count, (int) ((rowBytes + 3) / 4), to);
        }
    }

    private void turnHalves(Scratch scratch, int count, long to) {
        for (int r = 0; r < count; r++) {
            for (int c = 0; c < columns; c++) {
                short value = scratch.rows.get(SHORT, r * scratch.stride + 2L * c);
                data.set(SHORT, to + ((long) c * PANEL + r) * 2, value);
            }
        }
    }

    /** Rows of steps become steps of rows. */
    private void turn(Scratch scratch, int count, int used, long to) {
        int flip = format == WeightFormat.INT8 ? SIGNS : 0;
        for (int begin = 0; begin < steps; begin += STRIP) {
            int width = Math.min(STRIP, steps - begin);
            java.util.Arrays.fill(scratch.strip, flip);
            for (int r = 0; r < count; r++) {
                long at = r * scratch.stride + begin * 4L;
                for (int s = 0; s < Math.min(width, used - begin); s++) {
                    scratch.strip[s * PANEL + r] = scratch.rows.get(INT, at + s * 4L) ^ flip;
                }
            }
            MemorySegment.copy(scratch.strip, 0, data, INT, to + (long) begin * STEP, width * PANEL);
        }
    }

    private void putBlocks(int panel, int row, MemorySegment from, long at) {
        int perBlock = format == WeightFormat.Q8_0 ? Q8_STEPS : Q4_STEPS;
        int flip = format == WeightFormat.Q8_0 ? SIGNS : 0;
        long to = panelAt(panel);
        for (int block = 0; block < steps / perBlock; block++) {
            data.set(SHORT, to + row * 2L, from.get(SHORT, at));
            for (int s = 0; s < perBlock; s++) {
                data.set(INT, to + BLOCK_SCALES + (long) s * STEP + row * 4L, from.get(INT, at + 2 + s * 4L) ^ flip);
            }
            to += BLOCK_SCALES + (long) perBlock * STEP;
            at += 2 + perBlock * 4L;
        }
    }

    /** Block by block, so that a block stays in the first-level cache while its outputs come one by one. */
    private void putPlanes(int panel, int count, Scratch scratch) {
        BlockLayout layout = BlockLayout.of(format);
        long to = panelAt(panel);
        long blockBytes = format.rowBytes(layout.inputs());
        for (int block = 0; block < steps; block++, to += layout.blockBytes()) {
            for (int r = 0; r < count; r++) {
                layout.put(scratch.blocks, r * scratch.stride + block * blockBytes, data, to, r);
            }
        }
    }

    /** Reads one row back, as the kernels understand it. */
    void row(int row, float[] into, int at, boolean accumulate) {
        long panel = panelAt(row / PANEL);
        int lane = row % PANEL;
        BlockLayout layout = BlockLayout.of(format);
        if (layout != null) {
            layout.row(data, panel, lane, columns, into, at, accumulate);
            return;
        }
        for (int c = 0; c < columns; c++) {
            float value = element(panel, lane, c);
            into[at + c] = accumulate ? into[at + c] + value : value;
        }
    }

    private float element(long panel, int lane, int column) {
        return switch (format) {
            case F32 -> Float.intBitsToFloat(step(panel, column, lane));
            case F16 -> Float.float16ToFloat(data.get(SHORT, panel + ((long) column * PANEL + lane) * 2));
            case BF16 -> Float.intBitsToFloat(step(panel, column / 2, lane) >>> column % 2 * 16 << 16);
            case INT8 ->
                ((step(panel + PANEL * 4, column / 4, lane) >>> column % 4 * 8 & 255) - 128)
                        * Float.intBitsToFloat(data.get(INT, panel + lane * 4L));
            case Q8_0 -> {
                int in = column % WeightFormat.BLOCK;
                long block = panel + column / WeightFormat.BLOCK * (BLOCK_SCALES + (long) Q8_STEPS * STEP);
                int value = (step(block + BLOCK_SCALES, in / 4, lane) >>> in % 4 * 8 & 255) - 128;
                yield value * blockScale(block, lane);
            }
            case Q4_0 -> {
                int in = column % WeightFormat.BLOCK;
                int half = in / (WeightFormat.BLOCK / 2);
                long block = panel + column / WeightFormat.BLOCK * (BLOCK_SCALES + (long) Q4_STEPS * STEP);
                int bytes = step(block + BLOCK_SCALES, in % 16 / 4, lane);
                yield ((bytes >>> in % 4 * 8 + half * 4 & 15) - 8) * blockScale(block, lane);
            }
            default -> throw new IllegalStateException(format + " has planes");
        };
    }

    private int step(long from, int step, int lane) {
        return data.get(INT, from + (long) step * STEP + lane * 4L);
    }

    private float blockScale(long block, int lane) {
        return Float.float16ToFloat(data.get(SHORT, block + lane * 2L));
    }
}
