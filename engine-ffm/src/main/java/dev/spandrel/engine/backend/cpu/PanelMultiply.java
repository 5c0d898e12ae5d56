package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;

import dev.spandrel.engine.backend.WeightFormat;
import java.util.Arrays;

/**
 * One panel of a packed matrix times a block of rows, by the Vector API. Narrow weights are widened strip by strip, once for
 * all rows of the block, and go through the F32 tiles: the sums are those of F32 weights of the same values, in the same
 * order, so the bits are the same alone, batched and chunked in every format.
 */
final class PanelMultiply {
    private PanelMultiply() {}

    /**
     * Computes rows {@code from} to {@code to − 1} of C in the columns of one panel.
     */
    static void run(MatMul m, int from, int to, int panel, CpuBackend.Scratch scratch) {
        PackedMatrix w = m.weight;
        float[] a = m.in.values();
        int first = m.first + panel * PANEL;
        int columns = Math.min(PANEL, w.rows() - panel * PANEL);
        boolean whole = columns == PANEL;
        float[] c = whole ? m.out.values() : scratch.edge;
        int ldc = whole ? m.ldc : PANEL;
        int cAt = whole ? from * ldc + first : 0;
        for (int r = 0; r < to - from; r++) {
            Arrays.fill(c, cAt + r * ldc, cAt + r * ldc + PANEL, 0);
        }
        if (w.format() == WeightFormat.F32) {
            int inner = w.columns();
            MatMulKernels.panel(a, from * inner, inner, to - from, inner, w.data(), w.panelAt(panel), c, cAt, ldc);
        } else {
            strips(a, from, to, w, panel, c, cAt, ldc, scratch);
        }
        for (int r = 0; r < to - from; r++) {
            if (!whole) {
                System.arraycopy(c, r * PANEL, m.out.values(), (from + r) * m.ldc + first, columns);
            }
            m.finish(from + r, first, columns);
        }
    }

    private static void strips(
            float[] a,
            int from,
            int to,
            PackedMatrix w,
            int panel,
            float[] c,
            int cAt,
            int ldc,
            CpuBackend.Scratch scratch) {
        int inner = w.columns();
        for (int k = 0; k < inner; k += Widening.STRIP) {
            int count = Math.min(Widening.STRIP, inner - k);
            Widening.strip(w, panel, k, count, scratch.strip, scratch.turn);
            MatMulKernels.panel(a, from * inner + k, inner, to - from, count, scratch.strip, 0, c, cAt, ldc);
        }
    }
}
