package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.WeightPolicy;
import java.lang.foreign.Arena;

/**
 * What a product reads: rows as they are, or in the form that its format's listing wants. A task converts a row, and norms it before where
 * that is asked. Who computes what the next product will read may write the form too, piece by piece while the numbers are in
 * the cache: {@link #offer} says whether, and the product finds its rows converted. There are two rooms, one that is read and one
 * for what comes next. Only the engine's thread calls what is not a task's.
 */
final class ProductInputs implements Workers.Task {
    private enum Form {
        /** By the Vector API. */
        PLAIN,
        /** By the Vector API, rounded. */
        ROUNDED,
        /** By machine code, as they are. */
        FLOATS,
        NARROW,
        BYTES
    }

    private final Arena arena;
    private final WeightPolicy policy;
    private final boolean machineCode;
    private final int amxRows;
    private long amxProducts;
    private final RoundedActivations rounded = new RoundedActivations();
    private final NarrowActivations[] narrow = {new NarrowActivations(), new NarrowActivations()};
    private final ByteActivations[] bytes;
    /** The room that is read; the other takes what comes next. */
    private int read;

    private RowVerbs norm;
    private float[] from;
    private int columns;
    private Form form;
    private boolean tiles;

    /** What the next product has been promised: rows of a buffer, for a matrix; null for nothing. */
    private HostBuffer offered;

    private int offeredRows;
    private PackedMatrix offeredTo;
    private Form offeredForm;
    /** Whether all of it is there. */
    private boolean complete;

    /** @param amxRows rows from which on tiles of AMX multiply; 0 for never */
    ProductInputs(Arena arena, WeightPolicy policy, boolean machineCode, int amxRows, int workers) {
        this.arena = arena;
        this.policy = policy;
        this.machineCode = machineCode;
        this.amxRows = amxRows;
        bytes = new ByteActivations[] {new ByteActivations(workers), new ByteActivations(workers)};
    }

    /**
     * Takes the rows of a product on.
     *
     * @param first norms a row into {@code a} before it is converted; null for nothing
     * @return whether there is something to run for each row
     */
    boolean prepare(HostBuffer a, int rows, PackedMatrix part, RowVerbs first) {
        tiles = tiles(rows, part.format());
        amxProducts += tiles ? 1 : 0;
        form = form(rows, part);
        norm = first;
        from = a.values();
        columns = part.columns();
        if (complete && offered == a && offeredRows == rows && offeredTo == part && offeredForm == form) {
            read = 1 - read;
            forget(a);
            return false;
        }
        begin(form, read, rows, part);
        return norm != null || form == Form.ROUNDED || form == Form.NARROW || form == Form.BYTES;
    }

    private void begin(Form wanted, int room, int rows, PackedMatrix part) {
        switch (wanted) {
            case PLAIN, FLOATS -> {}
            case ROUNDED -> rounded.begin(rows, part.columns());
            case NARROW -> narrow[room].begin(arena, rows, part);
            case BYTES -> bytes[room].begin(arena, rows, part);
        }
    }

    private boolean tiles(int rows, WeightFormat format) {
        return amxRows > 0 && rows >= amxRows && AmxKernels.supports(format) && !policy.roundsInputs(format);
    }

    private Form form(int rows, PackedMatrix part) {
        if (policy.roundsInputs(part.format())) {
            return machineCode && ByteKernels.run(part.format()) ? Form.BYTES : Form.ROUNDED;
        }
        if (!tiles(rows, part.format()) && !(machineCode && MachineMultiply.takes(part))) {
            return Form.PLAIN;
        }
        return MachineMultiply.converts(part.format()) ? Form.NARROW : Form.FLOATS;
    }

    /** One row: norm, then conversion. */
    @Override
    public void run(int row, int worker) {
        if (norm != null) {
            norm.run(row, worker);
        }
        switch (form) {
            case PLAIN, FLOATS -> {}
            case ROUNDED -> rounded.convert(from, row * columns, row);
            case NARROW -> narrow[read].convert(from, row * columns, row, 0, columns);
            case BYTES -> bytes[read].convert(from, row * columns, row, 0, columns, worker);
        }
    }

    /**
     * Somebody is about to write these rows, and {@code next} is what read them in the last step.
     *
     * @param piece columns that are written at a time
     * @param next null when nobody knows
     * @return this, if {@link #take} shall be called for every piece and {@link #complete} after the last; else null
     */
    ProductInputs offer(HostBuffer out, int rows, int width, int piece, CpuWeight next) {
        forget(out);
        if (next == null || next.read() != out || next.columns() != width || piece % WeightFormat.BLOCK != 0) {
            return null;
        }
        PackedMatrix part = next.parts().getFirst();
        Form wanted = form(rows, part);
        if (wanted != Form.BYTES && !(wanted == Form.NARROW && NarrowActivations.takesPieces(part.format()))) {
            return null;
        }
        begin(wanted, 1 - read, rows, part);
        complete = false;
        offered = out;
        offeredRows = rows;
        offeredTo = part;
        offeredForm = wanted;
        return this;
    }

    /** Converts columns of rows {@code first} to {@code end − 1} of what was offered; any thread. */
    void take(int first, int end, int column, int count, int worker) {
        float[] values = offered.values();
        int width = offeredTo.columns();
        if (offeredForm == Form.BYTES) {
            ByteActivations to = bytes[1 - read];
            for (int row = first; row < end; row++) {
                to.convert(values, row * width + column, row, column, count, worker);
            }
        } else {
            NarrowActivations to = narrow[1 - read];
            for (int row = first; row < end; row++) {
                to.convert(values, row * width + column, row, column, count);
            }
        }
    }

    /** All that was offered has been taken. */
    void complete() {
        complete = offered != null;
    }

    /** A buffer is about to change: what was made of it is nothing any more. */
    void forget(HostBuffer buffer) {
        if (offered == buffer) {
            offered = null;
            complete = false;
        }
    }

    /** Whether machine code multiplies. */
    boolean byMachineCode() {
        return form != Form.PLAIN && form != Form.ROUNDED;
    }

    /** Whether AMX does. */
    boolean byTiles() {
        return tiles;
    }

    /** What multiplies as F32 instead of the rows themselves, else null. */
    float[] rounded() {
        return form == Form.ROUNDED ? rounded.values() : null;
    }

    /** The rows in bytes, or null. */
    ByteActivations bytes() {
        return form == Form.BYTES ? bytes[read] : null;
    }

    /** The rows in BF16 or integers of 16 bits, or null. */
    NarrowActivations narrow() {
        return form == Form.NARROW ? narrow[read] : null;
    }

    /** Products that went through AMX. */
    long amxProducts() {
        return amxProducts;
    }
}
