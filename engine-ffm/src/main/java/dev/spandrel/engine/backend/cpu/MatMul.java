package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.HostBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/**
 * One multiplication of rows by a packed matrix, cut into tasks of one panel by a block of rows; one object serves all of
 * them in turn, so that a step allocates nothing. Tasks of one multiplication touch different outputs. With a gate, a task is
 * the panel of the gate and the one it lets through, whose products never leave the task.
 */
final class MatMul implements Workers.Task {
    /** Rows of C per task; a multiple of the tile, small enough that 64 cores find work in a prefill of 512. */
    static final int ROW_BLOCK = 48;
    /** Rows of the largest tile, below which a cut along the rows costs more than it shares. */
    private static final int LEAST_ROWS = 6;

    private final CpuBackend.Scratch[] scratch;
    final NarrowActivations narrow;

    HostBuffer in;
    private HostBuffer out;
    /** What the product is added to, or null. */
    private HostBuffer sum;

    private int rows;
    private PackedMatrix weight;
    /** Multiplied afterwards, if that is known, so that its first panels can be fetched. */
    private PackedMatrix follower;
    /** Columns of C, and this part's first one. */
    private int ldc;

    private int first;
    /** Packed vector over all columns, or null for 0. */
    private MemorySegment bias;

    private Activation activation;
    private boolean byMachineCode;
    /** Whether by AMX; then the rest of machine code is not asked. */
    boolean tiles;

    private boolean gated;
    /** Panels, or pairs of them, that one task each takes in a block; the others are cut along the rows into so many pieces. */
    private int wholeUnits;

    private int units;
    private int pieces;

    MatMul(CpuBackend.Scratch[] scratch, NarrowActivations narrow) {
        this.scratch = scratch;
        this.narrow = narrow;
    }

    /**
     * @param c takes the product
     * @param addedTo what the product is added to beside that, or null
     * @param columns from row to row of {@code c}
     */
    void set(
            HostBuffer a,
            int count,
            HostBuffer c,
            HostBuffer addedTo,
            int columns,
            MemorySegment summands,
            Activation function) {
        in = a;
        rows = count;
        out = c;
        sum = addedTo;
        ldc = columns;
        bias = summands;
        activation = function;
    }

    /**
     * @param machineCode whether rows have been converted for machine code, where it wants that
     * @param amx whether for AMX
     * @param gate whether the upper half of the matrix is let through by its lower half
     * @param next what is multiplied afterwards, or null
     */
    void part(PackedMatrix matrix, int firstColumn, boolean machineCode, boolean amx, boolean gate, PackedMatrix next) {
        tiles = amx;
        weight = matrix;
        first = firstColumn;
        byMachineCode = machineCode;
        gated = gate;
        follower = next;
        units = gate ? matrix.panels() / 2 : matrix.panels();
        cut();
    }

    /** A whole panel is too much for whom the others would wait for: nine on two threads would leave one idle for a tenth. */
    private void cut() {
        int workers = scratch.length;
        int rest = units % workers;
        pieces = rest == 0 || rows > ROW_BLOCK || tiles ? 1 : Math.min((workers + rest - 1) / rest, rows / LEAST_ROWS);
        wholeUnits = pieces > 1 ? units - rest : units;
    }

    /** Whether a gate's two halves begin with a panel each. */
    static boolean gates(PackedMatrix matrix) {
        return matrix.rows() % (2 * PANEL) == 0;
    }

    int tasks() {
        return pieces > 1 ? wholeUnits + (units - wholeUnits) * pieces : units * ((rows + ROW_BLOCK - 1) / ROW_BLOCK);
    }

    /** Multiply-adds in all. */
    long work() {
        return (long) rows * weight.rows() * weight.columns();
    }

    @Override
    public void run(int task, int worker) {
        int unit = unit(task);
        int from = pieces > 1 ? 0 : task / units * ROW_BLOCK;
        int to = Math.min(rows, from + ROW_BLOCK);
        if (task >= wholeUnits && pieces > 1) {
            int piece = (task - wholeUnits) % pieces;
            from = rows * piece / pieces;
            to = rows * (piece + 1) / pieces;
        }
        // Threads claim tasks in turn, so this is the one that this thread will most likely have next.
        int after = task + scratch.length;
        long next = after < tasks() ? weight.panelAddress(unit(after)) : following(after - tasks());
        if (gated) {
            gate(unit, from, to, next, scratch[worker]);
        } else {
            plain(unit, from, to, next, scratch[worker]);
        }
    }

    private int unit(int task) {
        return pieces > 1 && task >= wholeUnits ? wholeUnits + (task - wholeUnits) / pieces : task % units;
    }

    private long following(int panel) {
        return follower == null || panel >= follower.panels() ? 0 : follower.panelAddress(panel);
    }

    private void plain(int panel, int from, int to, long next, CpuBackend.Scratch worker) {
        int column = first + panel * PANEL;
        int columns = Math.min(PANEL, weight.rows() - panel * PANEL);
        if (columns == PANEL) {
            product(panel, from, to, next, out.values(), out.segment(), from * ldc + column, ldc, worker);
        } else {
            product(panel, from, to, next, worker.edge, worker.edgeSegment, 0, PANEL, worker);
            for (int r = 0; r < to - from; r++) {
                System.arraycopy(worker.edge, r * PANEL, out.values(), (from + r) * ldc + column, columns);
            }
        }
        for (int r = from; r < to; r++) {
            finish(out.values(), r * ldc + column, column, columns, activation);
            if (sum != null) {
                PointwiseKernels.add(out.values(), sum.values(), r * ldc + column, r * ldc + column + columns);
            }
        }
    }

    private void gate(int panel, int from, int to, long next, CpuBackend.Scratch worker) {
        long other = weight.panelAddress(panel + units);
        product(panel, from, to, other, worker.edge, worker.edgeSegment, 0, PANEL, worker);
        product(panel + units, from, to, next, worker.through, worker.throughSegment, 0, PANEL, worker);
        int column = panel * PANEL;
        for (int r = 0; r < to - from; r++) {
            finish(worker.edge, r * PANEL, column, PANEL, Activation.NONE);
            finish(worker.through, r * PANEL, units * PANEL + column, PANEL, Activation.NONE);
            ActivationKernels.gate(
                    activation, worker.edge, worker.through, r * PANEL, out.values(), (from + r) * ldc + column, PANEL);
        }
    }

    /** Rows {@code from} to {@code to − 1} by one panel, to {@code c} at {@code cAt}. */
    private void product(
            int panel,
            int from,
            int to,
            long next,
            float[] c,
            MemorySegment segment,
            int cAt,
            int stride,
            CpuBackend.Scratch worker) {
        if (byMachineCode) {
            MachineMultiply.run(this, weight, from, to, panel, next, c, segment, cAt, stride, worker);
        } else {
            PanelMultiply.run(in.values(), weight, from, to, panel, c, cAt, stride, worker);
        }
    }

    /** Adds the bias and applies the activation to columns of a row, while they are in the first-level cache. */
    private void finish(float[] c, int at, int column, int columns, Activation function) {
        if (bias == null && function == Activation.NONE) {
            return;
        }
        boolean relu = function == Activation.RELU;
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
            float value = c[at + i] + (bias == null ? 0 : bias.get(ValueLayout.JAVA_FLOAT, (column + i) * 4L));
            c[at + i] = relu ? Math.max(0, value) : value;
        }
        if (!relu) {
            ActivationKernels.apply(function, c, at, at + columns);
        }
    }
}
