package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.HostBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * One multiplication of rows by a packed matrix, cut into tasks of one panel by a block of rows; one object serves all of
 * them in turn, so that a step allocates nothing. Tasks of one multiplication touch different outputs.
 */
final class MatMul implements Workers.Task {
    /** Rows of C per task; a multiple of the tile, small enough that 64 cores find work in a prefill of 512. */
    static final int ROW_BLOCK = 48;

    private final CpuBackend.Scratch[] scratch;
    final NarrowActivations narrow;

    HostBuffer in;
    HostBuffer out;
    int rows;
    PackedMatrix weight;
    /** Outputs of all parts of the weight, and this part's first column of C. */
    int ldc;

    int first;
    /** Packed vector over all columns, or null for 0. */
    private MemorySegment bias;

    private Activation activation;
    private boolean byMachineCode;
    /** Whether by AMX; then the rest of machine code is not asked. */
    boolean tiles;

    MatMul(CpuBackend.Scratch[] scratch, NarrowActivations narrow) {
        this.scratch = scratch;
        this.narrow = narrow;
    }

    void set(HostBuffer a, int count, HostBuffer c, int columns, MemorySegment summands, Activation function) {
        in = a;
        rows = count;
        out = c;
        ldc = columns;
        bias = summands;
        activation = function;
    }

    /**
     * @param machineCode whether rows have been converted for machine code, where it wants that
     * @param amx whether for AMX
     */
    void part(PackedMatrix matrix, int firstColumn, boolean machineCode, boolean amx) {
        tiles = amx;
        weight = matrix;
        first = firstColumn;
        byMachineCode = machineCode;
    }

    int tasks() {
        return weight.panels() * ((rows + ROW_BLOCK - 1) / ROW_BLOCK);
    }

    /** Multiply-adds in all. */
    long work() {
        return (long) rows * weight.rows() * weight.columns();
    }

    @Override
    public void run(int task, int worker) {
        int panels = weight.panels();
        int from = task / panels * ROW_BLOCK;
        int to = Math.min(rows, from + ROW_BLOCK);
        if (byMachineCode) {
            MachineMultiply.run(this, from, to, task % panels, scratch[worker]);
        } else {
            PanelMultiply.run(this, from, to, task % panels, scratch[worker]);
        }
    }

    /** Adds the bias and applies the activation to {@code columns} columns of a row, while they are in the first-level cache. */
    void finish(int row, int column, int columns) {
        if (bias == null && activation == Activation.NONE) {
            return;
        }
        float[] c = out.values();
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
