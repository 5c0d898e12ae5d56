package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.Activation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * Where the outputs of a packed matrix go, and what is done to them there while they are in the first-level cache.
 *
 * @param c rows × ldc
 * @param segment C as a segment
 * @param ldc outputs of all parts of the weight
 * @param first the matrix's first column of C
 * @param bias packed vector over all columns, or null for 0
 */
record PanelOutput(float[] c, MemorySegment segment, int ldc, int first, MemorySegment bias, Activation activation) {
    /** Adds the bias and applies the activation to {@code columns} columns of a row. */
    void finish(int row, int column, int columns) {
        if (bias == null && activation == Activation.NONE) {
            return;
        }
        int at = row * ldc + column;
        boolean relu = activation == Activation.RELU;
        int i = 0;
        for (; i + LANES <= columns; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, c, at + i);
            if (bias != null) {
                v = v.add(FloatVector.fromMemorySegment(SPECIES, bias, (column + i) * 4L, ORDER));
            }
            if (relu) {
                v = v.max(0);
            }
            v.intoArray(c, at + i);
        }
        for (; i < columns; i++) {
            float sum = c[at + i] + (bias == null ? 0 : bias.get(ValueLayout.JAVA_FLOAT, (column + i) * 4L));
            c[at + i] = relu ? Math.max(0, sum) : sum;
        }
        if (!relu) {
            ActivationKernels.apply(activation, c, at, at + columns);
        }
    }
}
