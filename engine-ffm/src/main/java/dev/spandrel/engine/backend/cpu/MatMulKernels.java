package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.TILE_COLUMNS;
import static dev.spandrel.engine.backend.cpu.VectorConstants.VECTOR_BYTES;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * C = A × Wᵀ + bias over packed panels, by broadcast tiles: each output is one lane that starts at its bias and takes one
 * fused multiply-add per input, in order. Tiles of 6, 4, 2 and 1 rows therefore give the same bits, so a row's result
 * does not depend on how many others share the step. Measured: 68 % of the FMA peak at 6 rows; with one row the weights'
 * way from memory is the limit.
 */
final class MatMulKernels {
    /** Rows of the largest tile that fits the registers: 24 accumulators need the 32 of AVX-512. */
    private static final int LARGEST_TILE = LANES >= 16 ? 6 : 2;

    private MatMulKernels() {}

    /**
     * Rows {@code from} to {@code to − 1} of C in the columns of one panel.
     *
     * @param a rows × inner, on the heap: broadcasting from a segment was five times slower
     * @param weight packed rows = columns of C
     * @param bias packed vector, or null for 0
     * @param c rows × weight.rows
     */
    static void panel(
            float[] a, int from, int to, PackedMatrix weight, MemorySegment bias, boolean relu, int panel, float[] c) {
        int inner = weight.columns();
        int ldc = weight.rows();
        long base = (long) panel * PANEL * inner * 4;
        for (int part = 0; part < PANEL; part += TILE_COLUMNS) {
            int first = panel * PANEL + part;
            int columns = Math.min(TILE_COLUMNS, ldc - first);
            if (columns <= 0) {
                return;
            }
            rows(a, from, to, inner, weight.data(), base + part * 4L, bias, first * 4L, relu, c, first, ldc, columns);
        }
    }

    private static void rows(
            float[] a,
            int from,
            int to,
            int inner,
            MemorySegment w,
            long wAt,
            MemorySegment bias,
            long biasAt,
            boolean relu,
            float[] c,
            int first,
            int ldc,
            int columns) {
        int r = from;
        if (LARGEST_TILE == 6) {
            for (; r + 6 <= to; r += 6) {
                tile6(a, r * inner, inner, inner, w, wAt, bias, biasAt, relu, c, r * ldc + first, ldc, columns);
            }
            for (; r + 4 <= to; r += 4) {
                tile4(a, r * inner, inner, inner, w, wAt, bias, biasAt, relu, c, r * ldc + first, ldc, columns);
            }
        }
        for (; r + 2 <= to; r += 2) {
            tile2(a, r * inner, inner, inner, w, wAt, bias, biasAt, relu, c, r * ldc + first, ldc, columns);
        }
        if (r < to) {
            tile1(a, r * inner, inner, inner, w, wAt, bias, biasAt, relu, c, r * ldc + first, ldc, columns);
        }
    }

    /** Six rows by four vectors. */
    private static void tile6(
            float[] a,
            int aAt,
            int lda,
            int inner,
            MemorySegment w,
            long wAt,
            MemorySegment bias,
            long biasAt,
            boolean relu,
            float[] c,
            int cAt,
            int ldc,
            int columns) {
        FloatVector b0 = bias(bias, biasAt, 0);
        FloatVector b1 = bias(bias, biasAt, 1);
        FloatVector b2 = bias(bias, biasAt, 2);
        FloatVector b3 = bias(bias, biasAt, 3);
        FloatVector c00 = b0,
                c01 = b1,
                c02 = b2,
                c03 = b3,
                c10 = b0,
                c11 = b1,
                c12 = b2,
                c13 = b3,
                c20 = b0,
                c21 = b1,
                c22 = b2,
                c23 = b3,
                c30 = b0,
                c31 = b1,
                c32 = b2,
                c33 = b3,
                c40 = b0,
                c41 = b1,
                c42 = b2,
                c43 = b3,
                c50 = b0,
                c51 = b1,
                c52 = b2,
                c53 = b3;
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
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[aAt + lda + k]);
            c10 = a1.fma(w0, c10);
            c11 = a1.fma(w1, c11);
            c12 = a1.fma(w2, c12);
            c13 = a1.fma(w3, c13);
            FloatVector a2 = FloatVector.broadcast(SPECIES, a[aAt + 2 * lda + k]);
            c20 = a2.fma(w0, c20);
            c21 = a2.fma(w1, c21);
            c22 = a2.fma(w2, c22);
            c23 = a2.fma(w3, c23);
            FloatVector a3 = FloatVector.broadcast(SPECIES, a[aAt + 3 * lda + k]);
            c30 = a3.fma(w0, c30);
            c31 = a3.fma(w1, c31);
            c32 = a3.fma(w2, c32);
            c33 = a3.fma(w3, c33);
            FloatVector a4 = FloatVector.broadcast(SPECIES, a[aAt + 4 * lda + k]);
            c40 = a4.fma(w0, c40);
            c41 = a4.fma(w1, c41);
            c42 = a4.fma(w2, c42);
            c43 = a4.fma(w3, c43);
            FloatVector a5 = FloatVector.broadcast(SPECIES, a[aAt + 5 * lda + k]);
            c50 = a5.fma(w0, c50);
            c51 = a5.fma(w1, c51);
            c52 = a5.fma(w2, c52);
            c53 = a5.fma(w3, c53);
        }
        store(c00, c01, c02, c03, relu, c, cAt, columns);
        store(c10, c11, c12, c13, relu, c, cAt + ldc, columns);
        store(c20, c21, c22, c23, relu, c, cAt + 2 * ldc, columns);
        store(c30, c31, c32, c33, relu, c, cAt + 3 * ldc, columns);
        store(c40, c41, c42, c43, relu, c, cAt + 4 * ldc, columns);
        store(c50, c51, c52, c53, relu, c, cAt + 5 * ldc, columns);
    }

    /** Four rows by four vectors. */
    private static void tile4(
            float[] a,
            int aAt,
            int lda,
            int inner,
            MemorySegment w,
            long wAt,
            MemorySegment bias,
            long biasAt,
            boolean relu,
            float[] c,
            int cAt,
            int ldc,
            int columns) {
        FloatVector b0 = bias(bias, biasAt, 0);
        FloatVector b1 = bias(bias, biasAt, 1);
        FloatVector b2 = bias(bias, biasAt, 2);
        FloatVector b3 = bias(bias, biasAt, 3);
        FloatVector c00 = b0,
                c01 = b1,
                c02 = b2,
                c03 = b3,
                c10 = b0,
                c11 = b1,
                c12 = b2,
                c13 = b3,
                c20 = b0,
                c21 = b1,
                c22 = b2,
                c23 = b3,
                c30 = b0,
                c31 = b1,
                c32 = b2,
                c33 = b3;
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
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[aAt + lda + k]);
            c10 = a1.fma(w0, c10);
            c11 = a1.fma(w1, c11);
            c12 = a1.fma(w2, c12);
            c13 = a1.fma(w3, c13);
            FloatVector a2 = FloatVector.broadcast(SPECIES, a[aAt + 2 * lda + k]);
            c20 = a2.fma(w0, c20);
            c21 = a2.fma(w1, c21);
            c22 = a2.fma(w2, c22);
            c23 = a2.fma(w3, c23);
            FloatVector a3 = FloatVector.broadcast(SPECIES, a[aAt + 3 * lda + k]);
            c30 = a3.fma(w0, c30);
            c31 = a3.fma(w1, c31);
            c32 = a3.fma(w2, c32);
            c33 = a3.fma(w3, c33);
        }
        store(c00, c01, c02, c03, relu, c, cAt, columns);
        store(c10, c11, c12, c13, relu, c, cAt + ldc, columns);
        store(c20, c21, c22, c23, relu, c, cAt + 2 * ldc, columns);
        store(c30, c31, c32, c33, relu, c, cAt + 3 * ldc, columns);
    }

    /** Two rows by four vectors. */
    private static void tile2(
            float[] a,
            int aAt,
            int lda,
            int inner,
            MemorySegment w,
            long wAt,
            MemorySegment bias,
            long biasAt,
            boolean relu,
            float[] c,
            int cAt,
            int ldc,
            int columns) {
        FloatVector b0 = bias(bias, biasAt, 0);
        FloatVector b1 = bias(bias, biasAt, 1);
        FloatVector b2 = bias(bias, biasAt, 2);
        FloatVector b3 = bias(bias, biasAt, 3);
        FloatVector c00 = b0, c01 = b1, c02 = b2, c03 = b3, c10 = b0, c11 = b1, c12 = b2, c13 = b3;
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
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[aAt + lda + k]);
            c10 = a1.fma(w0, c10);
            c11 = a1.fma(w1, c11);
            c12 = a1.fma(w2, c12);
            c13 = a1.fma(w3, c13);
        }
        store(c00, c01, c02, c03, relu, c, cAt, columns);
        store(c10, c11, c12, c13, relu, c, cAt + ldc, columns);
    }

    /** One row by four vectors. */
    private static void tile1(
            float[] a,
            int aAt,
            int lda,
            int inner,
            MemorySegment w,
            long wAt,
            MemorySegment bias,
            long biasAt,
            boolean relu,
            float[] c,
            int cAt,
            int ldc,
            int columns) {
        FloatVector b0 = bias(bias, biasAt, 0);
        FloatVector b1 = bias(bias, biasAt, 1);
        FloatVector b2 = bias(bias, biasAt, 2);
        FloatVector b3 = bias(bias, biasAt, 3);
        FloatVector c00 = b0, c01 = b1, c02 = b2, c03 = b3;
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
        store(c00, c01, c02, c03, relu, c, cAt, columns);
    }

    private static FloatVector bias(MemorySegment bias, long at, int vector) {
        return bias == null
                ? FloatVector.zero(SPECIES)
                : FloatVector.fromMemorySegment(SPECIES, bias, at + vector * VECTOR_BYTES, ORDER);
    }

    private static void store(
            FloatVector v0,
            FloatVector v1,
            FloatVector v2,
            FloatVector v3,
            boolean relu,
            float[] c,
            int at,
            int columns) {
        store(relu ? v0.max(0) : v0, c, at, columns);
        store(relu ? v1.max(0) : v1, c, at + LANES, columns - LANES);
        store(relu ? v2.max(0) : v2, c, at + 2 * LANES, columns - 2 * LANES);
        store(relu ? v3.max(0) : v3, c, at + 3 * LANES, columns - 3 * LANES);
    }

    private static void store(FloatVector v, float[] c, int at, int columns) {
        if (columns >= LANES) {
            v.intoArray(c, at);
        } else if (columns > 0) {
            v.intoArray(c, at, SPECIES.indexInRange(0, columns));
        }
    }
}
