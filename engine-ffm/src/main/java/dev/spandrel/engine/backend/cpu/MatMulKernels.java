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
 * C += A × Wᵀ over packed F32 panels, by broadcast tiles: each output is one lane that takes one fused multiply-add per
 * input, in order. Tiles of 6, 4, 2 and 1 rows therefore give the same bits, and so does any cut along the inputs, so a
 * row's result does not depend on how many others share the step.
 *
 * <p>Danger: a tile may do nothing but load, multiply and store. With the bias or the ragged right edge in the same method,
 * C1 runs out of virtual registers, the method never reaches C2, and a batch is many times slower (docs/decisions/0003)
 * without a word.
 */
final class MatMulKernels {
    /** Rows of the largest tile that fits the registers: 24 accumulators need the 32 of AVX-512. */
    static final int LARGEST_TILE = LANES >= 16 ? 6 : 2;

    private MatMulKernels() {}

    /**
     * Adds the products of some inputs to one panel's columns of C.
     *
     * @param a rows of inputs, the first wanted one at {@code aAt}, rows {@code lda} apart; on the heap, since broadcasting
     *     from a segment was five times slower
     * @param inputs how many
     * @param w their weights, inputs × PANEL from byte {@code wAt}
     * @param c columns of the panel from {@code cAt}, rows {@code ldc} apart
     */
    static void panel(
            float[] a, int aAt, int lda, int rows, int inputs, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        for (int part = 0; part < PANEL; part += TILE_COLUMNS) {
            for (int r = 0; r < rows; ) {
                r += tile(a, aAt + r * lda, lda, rows - r, inputs, w, wAt + part * 4L, c, cAt + r * ldc + part, ldc);
            }
        }
    }

    /** The largest tile that fits {@code rows}; returns how many rows it took. */
    private static int tile(
            float[] a, int aAt, int lda, int rows, int inputs, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        if (LARGEST_TILE == 6 && rows >= 6) {
            tile6(a, aAt, lda, inputs, w, wAt, c, cAt, ldc);
            return 6;
        }
        if (LARGEST_TILE == 6 && rows >= 4) {
            tile4(a, aAt, lda, inputs, w, wAt, c, cAt, ldc);
            return 4;
        }
        if (rows >= 2) {
            tile2(a, aAt, lda, inputs, w, wAt, c, cAt, ldc);
            return 2;
        }
        tile1(a, aAt, inputs, w, wAt, c, cAt);
        return 1;
    }

    /** Six rows by four vectors. */
    private static void tile6(
            float[] a, int aAt, int lda, int inputs, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        FloatVector c00 = FloatVector.fromArray(SPECIES, c, cAt);
        FloatVector c01 = FloatVector.fromArray(SPECIES, c, cAt + LANES);
        FloatVector c02 = FloatVector.fromArray(SPECIES, c, cAt + 2 * LANES);
        FloatVector c03 = FloatVector.fromArray(SPECIES, c, cAt + 3 * LANES);
        FloatVector c10 = FloatVector.fromArray(SPECIES, c, cAt + ldc);
        FloatVector c11 = FloatVector.fromArray(SPECIES, c, cAt + ldc + LANES);
        FloatVector c12 = FloatVector.fromArray(SPECIES, c, cAt + ldc + 2 * LANES);
        FloatVector c13 = FloatVector.fromArray(SPECIES, c, cAt + ldc + 3 * LANES);
        FloatVector c20 = FloatVector.fromArray(SPECIES, c, cAt + 2 * ldc);
        FloatVector c21 = FloatVector.fromArray(SPECIES, c, cAt + 2 * ldc + LANES);
        FloatVector c22 = FloatVector.fromArray(SPECIES, c, cAt + 2 * ldc + 2 * LANES);
        FloatVector c23 = FloatVector.fromArray(SPECIES, c, cAt + 2 * ldc + 3 * LANES);
        FloatVector c30 = FloatVector.fromArray(SPECIES, c, cAt + 3 * ldc);
        FloatVector c31 = FloatVector.fromArray(SPECIES, c, cAt + 3 * ldc + LANES);
        FloatVector c32 = FloatVector.fromArray(SPECIES, c, cAt + 3 * ldc + 2 * LANES);
        FloatVector c33 = FloatVector.fromArray(SPECIES, c, cAt + 3 * ldc + 3 * LANES);
        FloatVector c40 = FloatVector.fromArray(SPECIES, c, cAt + 4 * ldc);
        FloatVector c41 = FloatVector.fromArray(SPECIES, c, cAt + 4 * ldc + LANES);
        FloatVector c42 = FloatVector.fromArray(SPECIES, c, cAt + 4 * ldc + 2 * LANES);
        FloatVector c43 = FloatVector.fromArray(SPECIES, c, cAt + 4 * ldc + 3 * LANES);
        FloatVector c50 = FloatVector.fromArray(SPECIES, c, cAt + 5 * ldc);
        FloatVector c51 = FloatVector.fromArray(SPECIES, c, cAt + 5 * ldc + LANES);
        FloatVector c52 = FloatVector.fromArray(SPECIES, c, cAt + 5 * ldc + 2 * LANES);
        FloatVector c53 = FloatVector.fromArray(SPECIES, c, cAt + 5 * ldc + 3 * LANES);
        for (int k = aAt; k < aAt + inputs; k++, wAt += PANEL * 4) {
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wAt, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wAt + VECTOR_BYTES, ORDER);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 2 * VECTOR_BYTES, ORDER);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 3 * VECTOR_BYTES, ORDER);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[k]);
            c00 = a0.fma(w0, c00);
            c01 = a0.fma(w1, c01);
            c02 = a0.fma(w2, c02);
            c03 = a0.fma(w3, c03);
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[k + lda]);
            c10 = a1.fma(w0, c10);
            c11 = a1.fma(w1, c11);
            c12 = a1.fma(w2, c12);
            c13 = a1.fma(w3, c13);
            FloatVector a2 = FloatVector.broadcast(SPECIES, a[k + 2 * lda]);
            c20 = a2.fma(w0, c20);
            c21 = a2.fma(w1, c21);
            c22 = a2.fma(w2, c22);
            c23 = a2.fma(w3, c23);
            FloatVector a3 = FloatVector.broadcast(SPECIES, a[k + 3 * lda]);
            c30 = a3.fma(w0, c30);
            c31 = a3.fma(w1, c31);
            c32 = a3.fma(w2, c32);
            c33 = a3.fma(w3, c33);
            FloatVector a4 = FloatVector.broadcast(SPECIES, a[k + 4 * lda]);
            c40 = a4.fma(w0, c40);
            c41 = a4.fma(w1, c41);
            c42 = a4.fma(w2, c42);
            c43 = a4.fma(w3, c43);
            FloatVector a5 = FloatVector.broadcast(SPECIES, a[k + 5 * lda]);
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
    private static void tile4(
            float[] a, int aAt, int lda, int inputs, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        FloatVector c00 = FloatVector.fromArray(SPECIES, c, cAt);
        FloatVector c01 = FloatVector.fromArray(SPECIES, c, cAt + LANES);
        FloatVector c02 = FloatVector.fromArray(SPECIES, c, cAt + 2 * LANES);
        FloatVector c03 = FloatVector.fromArray(SPECIES, c, cAt + 3 * LANES);
        FloatVector c10 = FloatVector.fromArray(SPECIES, c, cAt + ldc);
        FloatVector c11 = FloatVector.fromArray(SPECIES, c, cAt + ldc + LANES);
        FloatVector c12 = FloatVector.fromArray(SPECIES, c, cAt + ldc + 2 * LANES);
        FloatVector c13 = FloatVector.fromArray(SPECIES, c, cAt + ldc + 3 * LANES);
        FloatVector c20 = FloatVector.fromArray(SPECIES, c, cAt + 2 * ldc);
        FloatVector c21 = FloatVector.fromArray(SPECIES, c, cAt + 2 * ldc + LANES);
        FloatVector c22 = FloatVector.fromArray(SPECIES, c, cAt + 2 * ldc + 2 * LANES);
        FloatVector c23 = FloatVector.fromArray(SPECIES, c, cAt + 2 * ldc + 3 * LANES);
        FloatVector c30 = FloatVector.fromArray(SPECIES, c, cAt + 3 * ldc);
        FloatVector c31 = FloatVector.fromArray(SPECIES, c, cAt + 3 * ldc + LANES);
        FloatVector c32 = FloatVector.fromArray(SPECIES, c, cAt + 3 * ldc + 2 * LANES);
        FloatVector c33 = FloatVector.fromArray(SPECIES, c, cAt + 3 * ldc + 3 * LANES);
        for (int k = aAt; k < aAt + inputs; k++, wAt += PANEL * 4) {
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wAt, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wAt + VECTOR_BYTES, ORDER);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 2 * VECTOR_BYTES, ORDER);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 3 * VECTOR_BYTES, ORDER);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[k]);
            c00 = a0.fma(w0, c00);
            c01 = a0.fma(w1, c01);
            c02 = a0.fma(w2, c02);
            c03 = a0.fma(w3, c03);
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[k + lda]);
            c10 = a1.fma(w0, c10);
            c11 = a1.fma(w1, c11);
            c12 = a1.fma(w2, c12);
            c13 = a1.fma(w3, c13);
            FloatVector a2 = FloatVector.broadcast(SPECIES, a[k + 2 * lda]);
            c20 = a2.fma(w0, c20);
            c21 = a2.fma(w1, c21);
            c22 = a2.fma(w2, c22);
            c23 = a2.fma(w3, c23);
            FloatVector a3 = FloatVector.broadcast(SPECIES, a[k + 3 * lda]);
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
    private static void tile2(
            float[] a, int aAt, int lda, int inputs, MemorySegment w, long wAt, float[] c, int cAt, int ldc) {
        FloatVector c00 = FloatVector.fromArray(SPECIES, c, cAt);
        FloatVector c01 = FloatVector.fromArray(SPECIES, c, cAt + LANES);
        FloatVector c02 = FloatVector.fromArray(SPECIES, c, cAt + 2 * LANES);
        FloatVector c03 = FloatVector.fromArray(SPECIES, c, cAt + 3 * LANES);
        FloatVector c10 = FloatVector.fromArray(SPECIES, c, cAt + ldc);
        FloatVector c11 = FloatVector.fromArray(SPECIES, c, cAt + ldc + LANES);
        FloatVector c12 = FloatVector.fromArray(SPECIES, c, cAt + ldc + 2 * LANES);
        FloatVector c13 = FloatVector.fromArray(SPECIES, c, cAt + ldc + 3 * LANES);
        for (int k = aAt; k < aAt + inputs; k++, wAt += PANEL * 4) {
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wAt, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wAt + VECTOR_BYTES, ORDER);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 2 * VECTOR_BYTES, ORDER);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 3 * VECTOR_BYTES, ORDER);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[k]);
            c00 = a0.fma(w0, c00);
            c01 = a0.fma(w1, c01);
            c02 = a0.fma(w2, c02);
            c03 = a0.fma(w3, c03);
            FloatVector a1 = FloatVector.broadcast(SPECIES, a[k + lda]);
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
    private static void tile1(float[] a, int aAt, int inputs, MemorySegment w, long wAt, float[] c, int cAt) {
        FloatVector c00 = FloatVector.fromArray(SPECIES, c, cAt);
        FloatVector c01 = FloatVector.fromArray(SPECIES, c, cAt + LANES);
        FloatVector c02 = FloatVector.fromArray(SPECIES, c, cAt + 2 * LANES);
        FloatVector c03 = FloatVector.fromArray(SPECIES, c, cAt + 3 * LANES);
        for (int k = aAt; k < aAt + inputs; k++, wAt += PANEL * 4) {
            FloatVector w0 = FloatVector.fromMemorySegment(SPECIES, w, wAt, ORDER);
            FloatVector w1 = FloatVector.fromMemorySegment(SPECIES, w, wAt + VECTOR_BYTES, ORDER);
            FloatVector w2 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 2 * VECTOR_BYTES, ORDER);
            FloatVector w3 = FloatVector.fromMemorySegment(SPECIES, w, wAt + 3 * VECTOR_BYTES, ORDER);
            FloatVector a0 = FloatVector.broadcast(SPECIES, a[k]);
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
}
