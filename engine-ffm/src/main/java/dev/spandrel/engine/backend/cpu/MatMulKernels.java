package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.TILE_COLUMNS;
import static dev.spandrel.engine.backend.cpu.VectorConstants.VECTOR_BYTES;

import dev.spandrel.engine.backend.Activation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * C = A × Wᵀ + bias over packed panels, by broadcast tiles: each output is one lane that takes one fused multiply-add per
 * input, in order. Tiles of 6, 4, 2 and 1 rows therefore give the same bits, so a row's result does not depend on how many
 * others share the step. The 6-row formulation reached 68 % of the FMA peak in isolation; with one row the weights' way from memory is the limit.
 *
 * <p>Danger: a tile may do nothing but multiply and store. With the bias or the ragged right edge in the same method, C1
 * runs out of virtual registers, the method never reaches C2, and a batch is many times slower (docs/decisions/0003) without a word.
 */
final class MatMulKernels {
    /** Rows of the largest tile that fits the registers: 24 accumulators need the 32 of AVX-512. */
    static final int LARGEST_TILE = LANES >= 16 ? 6 : 2;

    private MatMulKernels() {}

    /**
     * Rows {@code from} to {@code to − 1} of C in the columns of one panel.
     *
     * @param a rows × inner, on the heap: broadcasting from a segment was five times slower
     * @param weight packed rows = columns of C
     * @param bias packed vector, or null for 0
     * @param c rows × weight.rows
     * @param edge scratch for a tile that is cut off on the right, LARGEST_TILE × TILE_COLUMNS
     */
    static void panel(
            float[] a,
            int from,
            int to,
            PackedMatrix weight,
            MemorySegment bias,
            Activation activation,
            int panel,
            float[] c,
            float[] edge) {
        int inner = weight.columns();
        int ldc = weight.rows();
        long base = (long) panel * PANEL * inner * 4;
        for (int part = 0; part < PANEL; part += TILE_COLUMNS) {
            int first = panel * PANEL + part;
            int columns = Math.min(TILE_COLUMNS, ldc - first);
            if (columns == TILE_COLUMNS) {
                whole(a, from, to, inner, weight.data(), base + part * 4L, c, first, ldc);
            } else if (columns > 0) {
                cut(a, from, to, inner, weight.data(), base + part * 4L, c, first, ldc, columns, edge);
            }
            if (columns > 0 && (bias != null || activation != Activation.NONE)) {
                for (int r = from; r < to; r++) {
                    finish(c, r * ldc + first, columns, bias, first, activation);
                }
            }
        }
    }

    private static void whole(
            float[] a, int from, int to, int inner, MemorySegment w, long wAt, float[] c, int first, int ldc) {
        for (int r = from; r < to; ) {
            r += tile(a, r * inner, to - r, inner, w, wAt, c, r * ldc + first, ldc);
        }
    }

    /** The last columns of C: whole tiles go to scratch, what belongs to C is copied. */
    private static void cut(
            float[] a,
            int from,
            int to,
            int inner,
            MemorySegment w,
            long wAt,
            float[] c,
            int first,
            int ldc,
            int columns,
            float[] edge) {
        for (int r = from; r < to; ) {
            int rows = tile(a, r * inner, to - r, inner, w, wAt, edge, 0, TILE_COLUMNS);
            for (int i = 0; i < rows; i++) {
                System.arraycopy(edge, i * TILE_COLUMNS, c, (r + i) * ldc + first, columns);
            }
            r += rows;
        }
    }

    /** The largest tile that fits {@code rows}; returns how many rows it took. */
    private static int tile(
            float[] a, int aAt, int rows, int inner, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        if (LARGEST_TILE == 6 && rows >= 6) {
            tile6(a, aAt, inner, w, wAt, c, cAt, ldc);
            return 6;
        }
        if (LARGEST_TILE == 6 && rows >= 4) {
            tile4(a, aAt, inner, w, wAt, c, cAt, ldc);
            return 4;
        }
        if (rows >= 2) {
            tile2(a, aAt, inner, w, wAt, c, cAt, ldc);
            return 2;
        }
        tile1(a, aAt, inner, w, wAt, c, cAt, ldc);
        return 1;
    }

    /** Six rows by four vectors. */
    private static void tile6(float[] a, int aAt, int inner, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        FloatVector zero = FloatVector.zero(SPECIES);
        FloatVector c00 = zero,
                c01 = zero,
                c02 = zero,
                c03 = zero,
                c10 = zero,
                c11 = zero,
                c12 = zero,
                c13 = zero,
                c20 = zero,
                c21 = zero,
                c22 = zero,
                c23 = zero,
                c30 = zero,
                c31 = zero,
                c32 = zero,
                c33 = zero,
                c40 = zero,
                c41 = zero,
                c42 = zero,
                c43 = zero,
                c50 = zero,
                c51 = zero,
                c52 = zero,
                c53 = zero;
        for (int k = 0; k < inner; k++, wAt += PANEL * 4) {
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wAt, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wAt + VECTOR_BYTES, ORDER);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 2 * VECTOR_BYTES, ORDER);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 3 * VECTOR_BYTES, ORDER);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[aAt + k]);
            c00 = a0.fma(w0, c00);
            c01 = a0.fma(w1, c01);
            c02 = a0.fma(w2, c02);
            c03 = a0.fma(w3, c03);
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[aAt + inner + k]);
            c10 = a1.fma(w0, c10);
            c11 = a1.fma(w1, c11);
            c12 = a1.fma(w2, c12);
            c13 = a1.fma(w3, c13);
            FloatVector a2 = FloatVector.broadcast(SPECIES, a[aAt + 2 * inner + k]);
            c20 = a2.fma(w0, c20);
            c21 = a2.fma(w1, c21);
            c22 = a2.fma(w2, c22);
            c23 = a2.fma(w3, c23);
            FloatVector a3 = FloatVector.broadcast(SPECIES, a[aAt + 3 * inner + k]);
            c30 = a3.fma(w0, c30);
            c31 = a3.fma(w1, c31);
            c32 = a3.fma(w2, c32);
            c33 = a3.fma(w3, c33);
            FloatVector a4 = FloatVector.broadcast(SPECIES, a[aAt + 4 * inner + k]);
            c40 = a4.fma(w0, c40);
            c41 = a4.fma(w1, c41);
            c42 = a4.fma(w2, c42);
            c43 = a4.fma(w3, c43);
            FloatVector a5 = FloatVector.broadcast(SPECIES, a[aAt + 5 * inner + k]);
            c50 = a5.fma(w0, c50);
            c51 = a5.fma(w1, c51);
            c52 = a5.fma(w2, c52);
            c53 = a5.fma(w3, c53);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + LANES);
        c02.intoArray(c, cAt + 2 * LANES);
        c03.intoArray(c, cAt + 3 * LANES);
        c10.intoArray(c, cAt + ldc);
        c11.intoArray(c, cAt + ldc + LANES);
        c12.intoArray(c, cAt + ldc + 2 * LANES);
        c13.intoArray(c, cAt + ldc + 3 * LANES);
        c20.intoArray(c, cAt + 2 * ldc);
        c21.intoArray(c, cAt + 2 * ldc + LANES);
        c22.intoArray(c, cAt + 2 * ldc + 2 * LANES);
        c23.intoArray(c, cAt + 2 * ldc + 3 * LANES);
        c30.intoArray(c, cAt + 3 * ldc);
        c31.intoArray(c, cAt + 3 * ldc + LANES);
        c32.intoArray(c, cAt + 3 * ldc + 2 * LANES);
        c33.intoArray(c, cAt + 3 * ldc + 3 * LANES);
        c40.intoArray(c, cAt + 4 * ldc);
        c41.intoArray(c, cAt + 4 * ldc + LANES);
        c42.intoArray(c, cAt + 4 * ldc + 2 * LANES);
        c43.intoArray(c, cAt + 4 * ldc + 3 * LANES);
        c50.intoArray(c, cAt + 5 * ldc);
        c51.intoArray(c, cAt + 5 * ldc + LANES);
        c52.intoArray(c, cAt + 5 * ldc + 2 * LANES);
        c53.intoArray(c, cAt + 5 * ldc + 3 * LANES);
    }

    /** Four rows by four vectors. */
    private static void tile4(float[] a, int aAt, int inner, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        FloatVector zero = FloatVector.zero(SPECIES);
        FloatVector c00 = zero,
                c01 = zero,
                c02 = zero,
                c03 = zero,
                c10 = zero,
                c11 = zero,
                c12 = zero,
                c13 = zero,
                c20 = zero,
                c21 = zero,
                c22 = zero,
                c23 = zero,
                c30 = zero,
                c31 = zero,
                c32 = zero,
                c33 = zero;
        for (int k = 0; k < inner; k++, wAt += PANEL * 4) {
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wAt, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wAt + VECTOR_BYTES, ORDER);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 2 * VECTOR_BYTES, ORDER);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 3 * VECTOR_BYTES, ORDER);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[aAt + k]);
            c00 = a0.fma(w0, c00);
            c01 = a0.fma(w1, c01);
            c02 = a0.fma(w2, c02);
            c03 = a0.fma(w3, c03);
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[aAt + inner + k]);
            c10 = a1.fma(w0, c10);
            c11 = a1.fma(w1, c11);
            c12 = a1.fma(w2, c12);
            c13 = a1.fma(w3, c13);
            FloatVector a2 = FloatVector.broadcast(SPECIES, a[aAt + 2 * inner + k]);
            c20 = a2.fma(w0, c20);
            c21 = a2.fma(w1, c21);
            c22 = a2.fma(w2, c22);
            c23 = a2.fma(w3, c23);
            FloatVector a3 = FloatVector.broadcast(SPECIES, a[aAt + 3 * inner + k]);
            c30 = a3.fma(w0, c30);
            c31 = a3.fma(w1, c31);
            c32 = a3.fma(w2, c32);
            c33 = a3.fma(w3, c33);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + LANES);
        c02.intoArray(c, cAt + 2 * LANES);
        c03.intoArray(c, cAt + 3 * LANES);
        c10.intoArray(c, cAt + ldc);
        c11.intoArray(c, cAt + ldc + LANES);
        c12.intoArray(c, cAt + ldc + 2 * LANES);
        c13.intoArray(c, cAt + ldc + 3 * LANES);
        c20.intoArray(c, cAt + 2 * ldc);
        c21.intoArray(c, cAt + 2 * ldc + LANES);
        c22.intoArray(c, cAt + 2 * ldc + 2 * LANES);
        c23.intoArray(c, cAt + 2 * ldc + 3 * LANES);
        c30.intoArray(c, cAt + 3 * ldc);
        c31.intoArray(c, cAt + 3 * ldc + LANES);
        c32.intoArray(c, cAt + 3 * ldc + 2 * LANES);
        c33.intoArray(c, cAt + 3 * ldc + 3 * LANES);
    }

    /** Two rows by four vectors. */
    private static void tile2(float[] a, int aAt, int inner, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        FloatVector zero = FloatVector.zero(SPECIES);
        FloatVector c00 = zero, c01 = zero, c02 = zero, c03 = zero, c10 = zero, c11 = zero, c12 = zero, c13 = zero;
        for (int k = 0; k < inner; k++, wAt += PANEL * 4) {
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wAt, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wAt + VECTOR_BYTES, ORDER);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 2 * VECTOR_BYTES, ORDER);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 3 * VECTOR_BYTES, ORDER);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[aAt + k]);
            c00 = a0.fma(w0, c00);
            c01 = a0.fma(w1, c01);
            c02 = a0.fma(w2, c02);
            c03 = a0.fma(w3, c03);
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[aAt + inner + k]);
            c10 = a1.fma(w0, c10);
            c11 = a1.fma(w1, c11);
            c12 = a1.fma(w2, c12);
            c13 = a1.fma(w3, c13);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + LANES);
        c02.intoArray(c, cAt + 2 * LANES);
        c03.intoArray(c, cAt + 3 * LANES);
        c10.intoArray(c, cAt + ldc);
        c11.intoArray(c, cAt + ldc + LANES);
        c12.intoArray(c, cAt + ldc + 2 * LANES);
        c13.intoArray(c, cAt + ldc + 3 * LANES);
    }

    /** One row by four vectors. */
    private static void tile1(float[] a, int aAt, int inner, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        FloatVector zero = FloatVector.zero(SPECIES);
        FloatVector c00 = zero, c01 = zero, c02 = zero, c03 = zero;
        for (int k = 0; k < inner; k++, wAt += PANEL * 4) {
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wAt, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wAt + VECTOR_BYTES, ORDER);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 2 * VECTOR_BYTES, ORDER);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 3 * VECTOR_BYTES, ORDER);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[aAt + k]);
            c00 = a0.fma(w0, c00);
            c01 = a0.fma(w1, c01);
            c02 = a0.fma(w2, c02);
            c03 = a0.fma(w3, c03);
        }
        c00.intoArray(c, cAt);
        c01.intoArray(c, cAt + LANES);
        c02.intoArray(c, cAt + 2 * LANES);
        c03.intoArray(c, cAt + 3 * LANES);
    }

    /** Bias and activation, while the row is still in the first-level cache. */
    private static void finish(float[] c, int at, int columns, MemorySegment bias, int first, Activation activation) {
        boolean relu = activation == Activation.RELU;
        int i = 0;
        for (; i + LANES <= columns; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, c, at + i);
            if (bias != null) {
                v = v.add(FloatVector.fromMemorySegment(SPECIES, bias, (first + i) * 4L, ORDER));
            }
            if (relu) {
                v = v.max(0);
            }
            v.intoArray(c, at + i);
        }
        for (; i < columns; i++) {
            float sum = c[at + i] + (bias == null ? 0 : bias.get(ValueLayout.JAVA_FLOAT, (first + i) * 4L));
            c[at + i] = relu ? Math.max(0, sum) : sum;
        }
        if (!relu) {
            ActivationKernels.apply(activation, c, at, at + columns);
        }
    }
}
