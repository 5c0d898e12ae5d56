package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.ORDER;
import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.HostBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicIntegerArray;
import jdk.incubator.vector.FloatVector;

/**
 * One multiplication of rows by a packed matrix, cut into units of one panel by a block of rows; one object serves all
 * multiplications in turn, so that a step allocates nothing. Units touch different outputs. With a gate, a unit is the panel of
 * the gate and the one it lets through, whose products never leave it.
 *
 * <p>A task is a worker's: it takes the units of its own range of neighbouring panels, then those that nobody owns, then what others have
 * left. So what a thread writes lies together: a cache line that two threads write in turn costs both as much as a row of a tile.
 */
final class MatMul implements Workers.Task {
    /** Rows of C per task; a multiple of the tile, small enough that 64 cores find work in a prefill of 512. */
    static final int ROW_BLOCK = 48;
    /** Counters of different ranges lie on different cache lines. */
    private static final int APART = 16;
    /** Rows of the largest tile, below which a cut along the rows costs more than it shares. */
    private static final int LEAST_ROWS = 6;

    private final CpuBackend.Scratch[] scratch;
    private final int workers;
    /** The next unit of each range; the last range belongs to nobody. */
    private final AtomicIntegerArray claims;

    /** Inputs as listings want them; null for what this product does not want. */
    NarrowActivations narrow;

    ByteActivations bytes;
    /** Converts what is made for the product that comes next, or null. */
    private ProductInputs onward;

    HostBuffer in;
    private HostBuffer out;
    /** What the product is added to, or null. */
    private HostBuffer sum;

    private int rows;
    private PackedMatrix weight;
    /** Multiplied afterwards, if that is known, so that its first panels can be fetched. */
    private PackedMatrix follower;

    private boolean followerGated;
    /** Columns of C, and this part's first one. */
    private int ldc;

    private int first;
    /** Packed vector over all columns, or null for 0. */
    private MemorySegment bias;

    private Activation activation;
    private boolean byMachineCode;
    /** Whether by AMX; then the rest of machine code is not asked. */
    boolean tiles;
    /** What multiplies as F32 when there is no machine code for rounded inputs, else null. */
    private float[] rounded;

    private boolean gated;
    /** Panels, or pairs of them. */
    private int panels;
    /** Those in workers' ranges; the others are cut along the rows into so many pieces. */
    private int owned;

    private int pieces;
    private int blocks;

    MatMul(CpuBackend.Scratch[] scratch) {
        this.scratch = scratch;
        workers = scratch.length;
        claims = new AtomicIntegerArray((workers + 1) * APART);
    }

    /**
     * @param c takes the product
     * @param addedTo what the product is added to beside that, or null
     * @param columns from row to row of {@code c}
     * @param gate whether the upper half of the matrix is let through by its lower half
     * @param next takes the product in pieces, or null
     */
    void set(
            HostBuffer a,
            int count,
            HostBuffer c,
            HostBuffer addedTo,
            int columns,
            MemorySegment summands,
            Activation function,
            boolean gate,
            ProductInputs next) {
        in = a;
        rows = count;
        out = c;
        sum = addedTo;
        ldc = columns;
        bias = summands;
        activation = function;
        gated = gate;
        onward = next;
    }

    /**
     * @param inputs the rows, ready for this matrix
     * @param next what is multiplied afterwards, or null
     * @param nextGated whether that has a gate
     */
    void part(PackedMatrix matrix, int firstColumn, ProductInputs inputs, PackedMatrix next, boolean nextGated) {
        tiles = inputs.byTiles();
        byMachineCode = inputs.byMachineCode();
        rounded = inputs.rounded();
        narrow = inputs.narrow();
        bytes = inputs.bytes();
        weight = matrix;
        first = firstColumn;
        follower = next;
        followerGated = nextGated;
        panels = gated ? matrix.panels() / 2 : matrix.panels();
        blocks = (rows + ROW_BLOCK - 1) / ROW_BLOCK;
        cut();
        for (int range = 0; range <= workers; range++) {
            claims.set(range * APART, 0);
        }
    }

    /** A whole panel is too much for whom the others would wait for: nine on two threads would leave one idle for a tenth. */
    private void cut() {
        int rest = panels % workers;
        boolean whole = rest == 0 || blocks > 1 || tiles;
        pieces = whole ? 1 : Math.max(1, Math.min((workers + rest - 1) / rest, rows / LEAST_ROWS));
        owned = whole ? panels : panels - rest;
    }

    /** Whether a gate's two halves begin with a panel each. */
    static boolean gates(PackedMatrix matrix) {
        return matrix.rows() % (2 * PANEL) == 0;
    }

    int tasks() {
        return workers;
    }

    /** Multiply-adds in all. */
    long work() {
        return (long) rows * weight.rows() * weight.columns();
    }

    @Override
    public void run(int task, int worker) {
        takeOwned(worker, worker);
        takePieces(worker);
        for (int other = 1; other < workers; other++) {
            takeOwned((worker + other) % workers, worker);
        }
    }

    private void takeOwned(int range, int worker) {
        int first = begin(owned, range);
        int width = begin(owned, range + 1) - first;
        int count = width * blocks;
        for (int i = claim(range); i < count; i = claim(range)) {
            int from = i / width * ROW_BLOCK;
            long next = i + 1 < count ? weight.panelAddress(first + (i + 1) % width) : following(worker);
            unit(first + i % width, from, Math.min(rows, from + ROW_BLOCK), next, scratch[worker]);
        }
    }

    private void takePieces(int worker) {
        int count = (panels - owned) * pieces;
        for (int i = claim(workers); i < count; i = claim(workers)) {
            int piece = i % pieces;
            int from = rows * piece / pieces;
            unit(owned + i / pieces, from, rows * (piece + 1) / pieces, following(worker), scratch[worker]);
        }
    }

    private int claim(int range) {
        return claims.getAndIncrement(range * APART);
    }

    /** First panel of a worker's range. */
    private int begin(int count, int range) {
        return (int) ((long) count * range / workers);
    }

    /** Where this worker's range of the next multiplication begins, as far as that is known; else 0. */
    private long following(int worker) {
        if (follower == null) {
            return 0;
        }
        int count = followerGated ? follower.panels() / 2 : follower.panels();
        return follower.panelAddress(begin(rows > ROW_BLOCK ? count : count - count % workers, worker));
    }

    private void unit(int panel, int from, int to, long next, CpuBackend.Scratch worker) {
        if (gated) {
            gate(panel, from, to, next, worker);
        } else {
            plain(panel, from, to, next, worker);
        }
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
        handOn(from, to, column, columns, worker);
    }

    private void gate(int panel, int from, int to, long next, CpuBackend.Scratch worker) {
        long other = weight.panelAddress(panel + panels);
        product(panel, from, to, other, worker.edge, worker.edgeSegment, 0, PANEL, worker);
        product(panel + panels, from, to, next, worker.through, worker.throughSegment, 0, PANEL, worker);
        int column = panel * PANEL;
        for (int r = 0; r < to - from; r++) {
            finish(worker.edge, r * PANEL, column, PANEL, Activation.NONE);
            finish(worker.through, r * PANEL, panels * PANEL + column, PANEL, Activation.NONE);
            ActivationKernels.gate(
                    activation, worker.edge, worker.through, r * PANEL, out.values(), (from + r) * ldc + column, PANEL);
        }
        handOn(from, to, column, PANEL, worker);
    }

    /** What was made becomes the next product's input while it is in the first-level cache. */
    private void handOn(int from, int to, int column, int columns, CpuBackend.Scratch worker) {
        if (onward != null) {
            onward.take(from, to, column, columns, worker.number);
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
            PanelMultiply.run(rounded == null ? in.values() : rounded, weight, from, to, panel, c, cAt, stride, worker);
        }
    }

    /**
     * Adds the bias and applies the activation to columns of a row, while they are in the first-level cache. One after the
     * other: a vector that lives through a branch is boxed once both ways have been taken.
     */
    private void finish(float[] c, int at, int column, int columns, Activation function) {
        if (bias != null) {
            addBias(c, at, column, columns);
        }
        if (function == Activation.RELU) {
            relu(c, at, columns);
        } else {
            ActivationKernels.apply(function, c, at, at + columns);
        }
    }

    private void addBias(float[] c, int at, int column, int columns) {
        int i = 0;
        for (; i + LANES <= columns; i += LANES) {
            FloatVector.fromArray(SPECIES, c, at + i)
                    .add(FloatVector.fromMemorySegment(SPECIES, bias, (column + i) * 4L, ORDER))
                    .intoArray(c, at + i);
        }
        for (; i < columns; i++) {
            c[at + i] += bias.get(ValueLayout.JAVA_FLOAT, (column + i) * 4L);
        }
    }

    private static void relu(float[] c, int at, int columns) {
        int i = 0;
        for (; i + LANES <= columns; i += LANES) {
            FloatVector.fromArray(SPECIES, c, at + i).max(0).intoArray(c, at + i);
        }
        for (; i < columns; i++) {
            c[at + i] = Math.max(0, c[at + i]);
        }
    }
}
