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

    /** Computes rows {@code from} to {@code to − 1} by one panel, to {@code c} from {@code cAt} on. */
    static void run(
            float[] a,
            PackedMatrix w,
            int from,
            int to,
            int panel,
            float[] c,
            int cAt,
            int ldc,
            CpuBackend.Scratch scratch) {
        for (int r = 0; r < to - from; r++) {
            Arrays.fill(c, cAt + r * ldc, cAt + r * ldc + PANEL, 0);
        }
        if (w.format() == WeightFormat.F32) {
            int inner = w.columns();
            MatMulKernels.panel(a, from * inner, inner, to - from, inner, w.data(), w.panelAt(panel), c, cAt, ldc);
        } else {
            strips(a, from, to, w, panel, c, cAt, ldc, scratch);
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
            Widening.strip(w, panel, k, count, scratch.strip, scratch.factors);
            MatMulKernels.panel(a, from * inner + k, inner, to - from, count, scratch.strip, 0, c, cAt, ldc);
        }
    }
}
