package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** One panel of a packed matrix times a block of rows, by {@link MachineKernels}. Tasks of one matmul run at the same time. */
final class MachineMultiply {
    private static final VectorSpecies<Integer> INTS = SPECIES.withLanes(int.class);

    private MachineMultiply() {}

    /** Whether machine code can take this matmul. */
    static boolean takes(PackedMatrix w) {
        if (BlockLayout.of(w.format()) != null) {
            return PlaneKernels.supports(w.format());
        }
        // A step of F16 is two inputs; an odd last one would reach into the next row.
        return MachineKernels.supports(w.format()) && (w.format() != WeightFormat.F16 || w.columns() % 2 == 0);
    }

    /** Whether rows are converted before. */
    static boolean converts(WeightFormat format) {
        return format != WeightFormat.F32 && format != WeightFormat.F16;
    }

    /**
     * Computes rows {@code from} to {@code to − 1} by one panel, to {@code c} from {@code cAt} on.
     *
     * @param next address of the panel that this thread will read next, or 0
     * @param target {@code c} as a segment
     */
    static void run(
            MatMul m,
            PackedMatrix w,
            int from,
            int to,
            int panel,
            long next,
            float[] c,
            MemorySegment target,
            int cAt,
            int ldc,
            CpuBackend.Scratch scratch) {
        NarrowActivations narrow = m.narrow;
        int rows = to - from;
        long weights = w.panelAddress(panel);
        long ahead = next == 0 ? weights : next;
        if (m.bytes != null && BlockLayout.of(w.format()) != null) {
            PlaneKernels.multiplyRounded(
                    w.format(),
                    m.bytes.row(from),
                    m.bytes.stride(),
                    weights,
                    ahead,
                    target,
                    4L * cAt,
                    4L * ldc,
                    w.steps(),
                    rows,
                    m.bytes.withGroups(from),
                    m.bytes.stride());
            return;
        }
        if (m.bytes != null) {
            ByteKernels.multiply(
                    w.format(),
                    m.bytes.row(from),
                    m.bytes.stride(),
                    weights,
                    ahead,
                    target,
                    4L * cAt,
                    4L * ldc,
                    m.bytes.blocks(),
                    rows);
            return;
        }
        if (m.tiles) {
            tiles(narrow, w, from, rows, weights, scratch, c, cAt, ldc, panel);
            return;
        }
        switch (w.format()) {
            case F32, F16 -> {
                long lda = 4L * w.columns();
                MachineKernels.multiply(
                        w.format(),
                        m.in.segment(),
                        from * lda,
                        lda,
                        weights,
                        ahead,
                        target,
                        4L * cAt,
                        4L * ldc,
                        w.steps(),
                        rows);
            }
            case BF16 ->
                MachineKernels.multiply(
                        w.format(),
                        MemorySegment.NULL,
                        narrow.row(from, w.format()),
                        narrow.stride(),
                        weights,
                        ahead,
                        target,
                        4L * cAt,
                        4L * ldc,
                        w.steps(),
                        rows);
            case INT8 -> {
                MachineKernels.multiply(
                        w.format(),
                        MemorySegment.NULL,
                        narrow.row(from, w.format()),
                        narrow.stride(),
                        weights + PANEL * 4,
                        ahead + PANEL * 4,
                        MemorySegment.NULL,
                        scratch.sums.address(),
                        PANEL * 4,
                        w.steps(),
                        2L * rows);
                scaleBytes(narrow, from, rows, w, panel, scratch, c, cAt, ldc);
            }
            case Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> {
                PlaneKernels.multiply(
                        w.format(),
                        narrow.row(from, w.format()),
                        narrow.stride(),
                        weights,
                        ahead,
                        target,
                        4L * cAt,
                        4L * ldc,
                        w.steps(),
                        rows,
                        narrow.withGroups(from),
                        narrow.groupBytes());
                scaleRows(narrow, from, rows, c, cAt, ldc);
            }
            default -> {
                MachineKernels.blocks(
                        w.format(),
                        narrow.row(from, w.format()),
                        narrow.stride(),
                        weights,
                        target,
                        4L * cAt,
                        4L * ldc,
                        narrow.blocks(),
                        rows,
                        narrow.sums(from),
                        ahead);
                scaleRows(narrow, from, rows, c, cAt, ldc);
            }
        }
    }

    /** By AMX: sums go to scratch, 32 rows at a time, and from there to C. */
    private static void tiles(
            NarrowActivations narrow,
            PackedMatrix w,
            int from,
            int rows,
            long weights,
            CpuBackend.Scratch scratch,
            float[] c,
            int cAt,
            int ldc,
            int panel) {
        boolean bytes = w.format() == WeightFormat.INT8;
        long lda = (bytes ? 2 : 1) * narrow.stride();
        long ldSums = (bytes ? 2L : 1L) * PANEL * 4;
        for (int r = 0; r < rows; r += AmxKernels.ROWS) {
            long a = narrow.row(from + r, w.format());
            long sums = scratch.sums.address() + r * ldSums;
            if (bytes) {
                AmxKernels.run(w.format(), a, lda, weights + PANEL * 4, sums, ldSums, w.steps());
                AmxKernels.run(
                        w.format(), a + narrow.stride(), lda, weights + PANEL * 4, sums + PANEL * 4, ldSums, w.steps());
            } else {
                AmxKernels.run(w.format(), a, lda, weights, sums, ldSums, w.steps());
            }
        }
        if (bytes) {
            scaleBytes(narrow, from, rows, w, panel, scratch, c, cAt, ldc);
            return;
        }
        for (int r = 0; r < rows; r++) {
            MemorySegment.copy(scratch.sums, ValueLayout.JAVA_FLOAT, r * ldSums, c, cAt + r * ldc, PANEL);
        }
    }

    /** Takes the weights' zero point off, puts the two bytes together and applies both scales. */
    private static void scaleBytes(
            NarrowActivations narrow,
            int from,
            int rows,
            PackedMatrix w,
            int panel,
            CpuBackend.Scratch scratch,
            float[] c,
            int cAt,
            int ldc) {
        long scales = w.panelAt(panel);
        for (int r = 0; r < rows; r++) {
            int upperZero = 128 * narrow.upperSum(from + r);
            int lowerZero = 128 * narrow.lowerSum(from + r);
            float scale = narrow.scale(from + r);
            for (int v = 0; v < PANEL; v += LANES) {
                long at = 4L * (2 * r * PANEL + v);
                IntVector upper = IntVector.fromMemorySegment(INTS, scratch.sums, at, ORDER)
                        .sub(upperZero);
                IntVector lower = IntVector.fromMemorySegment(INTS, scratch.sums, at + 4 * PANEL, ORDER)
                        .sub(lowerZero);
                FloatVector sum = ((FloatVector) upper.convertShape(VectorOperators.I2F, SPECIES, 0))
                        .mul(256)
                        .add((FloatVector) lower.convertShape(VectorOperators.I2F, SPECIES, 0));
                sum.mul(FloatVector.fromMemorySegment(SPECIES, w.data(), scales + 4L * v, ORDER))
                        .mul(scale)
                        .intoArray(c, cAt + r * ldc + v);
            }
        }
    }

    private static void scaleRows(NarrowActivations narrow, int from, int rows, float[] c, int cAt, int ldc) {
        for (int r = 0; r < rows; r++) {
            float scale = narrow.scale(from + r);
            for (int v = cAt + r * ldc; v < cAt + r * ldc + PANEL; v += LANES) {
                FloatVector.fromArray(SPECIES, c, v).mul(scale).intoArray(c, v);
            }
        }
    }
}
