package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.Assembler.Register.R10;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R11;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R12;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R8;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R9;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RAX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RBP;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RBX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RCX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RDI;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RDX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RSI;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RSP;

import dev.spandrel.engine.backend.cpu.Assembler.Memory;
import dev.spandrel.engine.backend.cpu.Assembler.Register;

/**
 * Listings that multiply rows by one panel for AVX-512. All of them share a frame: tiles of up to six rows by four vectors,
 * one loop over the panel's steps, in which four bytes of each row are broadcast against 256 bytes of weights. What differs
 * is the instruction that multiplies: one F32, two BF16 or four bytes at a time. Each output is one lane that takes one
 * instruction per step, in order, whatever the tile.
 *
 * <p>Arguments (System V): rdi first row, rsi bytes from row to row, rdx panel, rcx outputs, r8 bytes from output row to
 * row, r9 steps (blocks in the blocked formats), then on the stack the number of rows and what is to be added to rdi and rcx:
 * an array of the heap is passed by its beginning, since a slice of it would be garbage. Last comes how far behind the panel
 * the next one lies that this thread will read: it is brought into the second-level cache, one of the four cache
 * lines of a step with each tile, so that memory is read while other rows are multiplied.
 */
final class TileCode {
    private static final int STEP = PackedMatrix.STEP;
    /** Registers: 24 accumulators, then weights, then the broadcast. */
    static final int WEIGHTS = 24;

    static final int BROADCAST = 28;

    private TileCode() {}

    /** Rows are F32 or BF16 pairs or signed bytes, by the instruction. */
    static void plain(Assembler to, String name, String multiply) {
        frame(to, name, rows -> plainTile(to, name + rows, multiply, rows));
    }

    /** F32 rows, F16 panel: a step holds 64 outputs of one input, then of the next. */
    static void half(Assembler to, String name) {
        frame(to, name, rows -> halfTile(to, name + rows, rows));
    }

    /** Rows of a product that waits for memory at every step, which then fetches a little ahead of itself. */
    static final int FEW_ROWS = 2;
    /** Bytes ahead. Against the next panel's: one row of F32 +2 %, of bytes +6 %, but of BF16 −3 % and of nibbles −15 %. */
    static final int NEAR = 2048;

    interface Tile {
        void write(int rows);
    }

    /**
     * Rows left, at least, and rows of the tile taken then: as few tiles as there can be, as even as they can be, for what
     * a small tile multiplies by comes no faster from the second-level cache. 32 rows are 6, 6, 5, 5, 5 and 5.
     */
    private static final int[][] TILES = {
        {26, 6}, {25, 5}, {21, 6}, {19, 5}, {16, 6}, {13, 5}, {11, 6}, {9, 5}, {7, 4}, {6, 6}, {5, 5}, {4, 4}, {3, 3},
        {2, 2}, {1, 1}
    };

    /** Two pushes and the return address lie before the first stack argument. */
    private static final Memory ROWS_LEFT = Memory.at(RSP, 24);

    private static final Memory AHEAD = Memory.at(RSP, 48);

    /** In a tile rax is the distance of what comes next, one cache line further with each tile. */
    private static void frame(Assembler to, String name, Tile tile) {
        frame(to, name, TILES, 6, tile);
    }

    /**
     * @param tiles rows left, at least, and rows of the tile taken then, most first
     * @param most rows of the largest tile
     */
    static void frame(Assembler to, String name, int[][] tiles, int most, Tile tile) {
        to.align(64).push(RBX).push(RBP);
        to.add(RDI, Memory.at(RSP, 32)).add(RCX, Memory.at(RSP, 40)).load(RAX, ROWS_LEFT);
        to.label(name + "_next");
        for (int[] each : tiles) {
            to.compare(RAX, each[0]).jump("jge", name + "_tile" + each[1]);
        }
        to.vzeroupper().pop(RBP).pop(RBX).ret();
        for (int rows = most; rows >= 1; rows--) {
            to.label(name + "_tile" + rows).subtract(RAX, rows);
            to.store(ROWS_LEFT, RAX).load(RAX, AHEAD);
            tile.write(rows);
            to.add(RAX, 64).store(AHEAD, RAX).load(RAX, ROWS_LEFT);
            for (int r = 0; r < rows; r++) {
                to.add(RDI, RSI);
            }
            to.jump(name + "_next");
        }
    }

    private static void begin(Assembler to, int rows) {
        cursors(to, rows);
        to.move(R11, RDX).move(RBP, R9);
        clear(to, 4 * rows);
    }

    /** Two cursors, each for three rows of a tile that begins at rdi. */
    static void cursors(Assembler to, int rows) {
        to.move(RBX, RDI);
        if (rows > 3) {
            to.address(R10, Memory.at(RDI, RSI, 2, 0)).add(R10, RSI);
        }
    }

    /** The first accumulators. */
    static void clear(Assembler to, int count) {
        for (int i = 0; i < count; i++) {
            to.vector("vpxord", i, i, i);
        }
    }

    /** Where row {@code row} of a tile is read: three rows from each of two cursors. */
    static Memory row(int row, int displacement) {
        Register cursor = row < 3 ? RBX : R10;
        return row % 3 == 0 ? Memory.at(cursor, displacement) : Memory.at(cursor, RSI, row % 3, displacement);
    }

    private static void plainTile(Assembler to, String name, String multiply, int rows) {
        begin(to, rows);
        to.align(32).label(name);
        for (int v = 0; v < 4; v++) {
            to.vector("vmovups", WEIGHTS + v, Memory.at(R11, 64 * v));
        }
        if (rows <= FEW_ROWS && !multiply.equals("vdpbf16ps")) {
            for (int line = 0; line < STEP / 64; line++) {
                to.prefetch(Memory.at(R11, NEAR + 64 * line));
            }
        } else {
            to.prefetch(Memory.at(R11, RAX, 1, 0));
        }
        multiplyRows(to, multiply, rows);
        advance(to, rows, 4, STEP);
        to.jump("jne", name);
        store(to, rows, 4);
    }

    /** Four bytes of each row against the four loaded vectors. */
    static void multiplyRows(Assembler to, String multiply, int rows) {
        for (int r = 0; r < rows; r++) {
            to.vector("vbroadcastss", BROADCAST + r % 4, row(r, 0));
            for (int v = 0; v < 4; v++) {
                to.vector(multiply, 4 * r + v, WEIGHTS + v, BROADCAST + r % 4);
            }
        }
    }

    private static void halfTile(Assembler to, String name, int rows) {
        begin(to, rows);
        to.align(32).label(name).prefetch(Memory.at(R11, RAX, 1, 0));
        for (int input = 0; input < 2; input++) {
            for (int v = 0; v < 4; v++) {
                to.vector("vcvtph2ps", WEIGHTS + v, Memory.at(R11, input * STEP / 2 + 32 * v));
            }
            for (int r = 0; r < rows; r++) {
                to.vector("vbroadcastss", BROADCAST + r % 4, row(r, 4 * input));
                for (int v = 0; v < 4; v++) {
                    to.vector("vfmadd231ps", 4 * r + v, WEIGHTS + v, BROADCAST + r % 4);
                }
            }
        }
        advance(to, rows, 8, STEP);
        to.jump("jne", name);
        store(to, rows, 4);
    }

    private static void advance(Assembler to, int rows, int inputs, int weights) {
        advance(to, rows, inputs);
        to.add(R11, weights).decrement(RBP);
    }

    /** Both cursors, by so many bytes. */
    static void advance(Assembler to, int rows, int inputs) {
        to.add(RBX, inputs);
        if (rows > 3) {
            to.add(R10, inputs);
        }
    }

    /** Accumulators to output rows; rcx is behind them then. */
    static void store(Assembler to, int rows, int vectors) {
        for (int r = 0; r < rows; r++) {
            for (int v = 0; v < vectors; v++) {
                to.store(Memory.at(RCX, 64 * v), vectors * r + v);
            }
            to.add(RCX, R8);
        }
    }

    /**
     * Rows of signed 16-bit numbers, as rows of upper bytes and rows of lower ones in turn, against blocks of 32 inputs under
     * F16 scales: within a block the sums are exact integers, then one fused multiply-add by the scale. A row here is a pair;
     * the second stack argument points to what each block's two sums begin with, blocks × 2 ints a row, which takes the
     * weights' zero point off; the third is the mask of low nibbles, the fourth is added to rcx, the fifth is how far what comes next
     * lies, of which a line of each step is fetched with each tile.
     *
     * @param nibbles whether weights are 4 bits wide
     */
    static void blocked(Assembler to, String name, boolean nibbles) {
        to.align(64).push(RBX).push(RBP).push(R12);
        to.load(RAX, Memory.at(RSP, 32)).add(RCX, Memory.at(RSP, 56)).load(R12, Memory.at(RSP, 64));
        to.label(name + "_next");
        for (int rows = 2; rows >= 1; rows--) {
            String other = name + "_below" + rows;
            to.compare(RAX, rows).jump("jl", other);
            blockedTile(to, name + rows, nibbles, rows);
            to.add(R12, 64).subtract(RAX, rows).jump(name + "_next");
            to.label(other);
        }
        to.vzeroupper().pop(R12).pop(RBP).pop(RBX).ret();
    }

    /** Registers of a blocked tile: sums of two rows, upper and lower parts of two rows, the rest. */
    private static final int PARTS = 8;

    private static final int MASK = 24;
    private static final int LOADED = 25;
    private static final int UPPER = 26;
    private static final int SCALE = 27;

    private static void blockedTile(Assembler to, String name, boolean nibbles, int rows) {
        int steps = nibbles ? PackedMatrix.Q4_STEPS : PackedMatrix.Q8_STEPS;
        to.move(RBX, RDI).address(R10, Memory.at(RDI, RSI, 2, 0)).move(R11, RDX).move(RBP, R9);
        // Third stack argument: where the sums of this tile's rows begin; it moves on at the end.
        to.push(RDX).load(RDX, Memory.at(RSP, 48));
        if (nibbles) {
            to.push(RSI)
                    .address(RSI, Memory.at(RSP, 64))
                    .vector("vbroadcastss", MASK, Memory.at(RSI, 0))
                    .pop(RSI);
        }
        for (int i = 0; i < 4 * rows; i++) {
            to.vector("vpxord", i, i, i);
        }
        to.align(32).label(name);
        for (int part = 0; part < 2 * rows; part++) {
            Memory first = part < 2 ? Memory.at(RDX, 4 * part) : Memory.at(RDX, R9, 8, 4 * (part - 2));
            for (int v = 0; v < 4; v++) {
                to.vector("vbroadcastss", PARTS + 4 * part + v, first);
            }
        }
        for (int s = 0; s < steps; s++) {
            to.prefetch(Memory.at(R11, R12, 1, PackedMatrix.BLOCK_SCALES + s * STEP));
            for (int v = 0; v < 4; v++) {
                to.vector("vmovups", LOADED, Memory.at(R11, PackedMatrix.BLOCK_SCALES + s * STEP + 64 * v));
                if (nibbles) {
                    to.shift("vpsrld", UPPER, LOADED, 4);
                    to.vector("vpandd", LOADED, LOADED, MASK);
                    to.vector("vpandd", UPPER, UPPER, MASK);
                }
                for (int part = 0; part < 2 * rows; part++) {
                    int sum = PARTS + 4 * part + v;
                    to.vector("vpdpbusd", sum, LOADED, part(part, 4 * s).broadcastOne());
                    if (nibbles) {
                        to.vector("vpdpbusd", sum, UPPER, part(part, 16 + 4 * s).broadcastOne());
                    }
                }
            }
        }
        for (int v = 0; v < 4; v++) {
            to.vector("vcvtph2ps", SCALE, Memory.at(R11, 32 * v));
            for (int r = 0; r < rows; r++) {
                int upper = PARTS + 8 * r + v;
                to.shift("vpslld", upper, upper, 8);
                to.vector("vpaddd", upper, upper, upper + 4);
                to.vector("vcvtdq2ps", upper, upper);
                to.vector("vfmadd231ps", 4 * r + v, upper, SCALE);
            }
        }
        to.add(RDX, 8)
                .add(RBX, 32)
                .add(R10, 32)
                .add(R11, PackedMatrix.BLOCK_SCALES + steps * STEP)
                .decrement(RBP);
        to.jump("jne", name);
        // The sums of the next tile lie behind those of this one's other rows.
        for (int r = 1; r < rows; r++) {
            to.address(RDX, Memory.at(RDX, R9, 8, 0));
        }
        to.store(Memory.at(RSP, 48), RDX).pop(RDX);
        store(to, rows, 4);
        to.address(RDI, Memory.at(RDI, RSI, 2, 0));
        if (rows == 2) {
            to.address(RDI, Memory.at(RDI, RSI, 2, 0));
        }
    }

    /** Parts 0 and 1 are the first row's upper and lower bytes, 2 and 3 the second's. */
    private static Memory part(int part, int displacement) {
        Register cursor = part < 2 ? RBX : R10;
        return part % 2 == 0 ? Memory.at(cursor, displacement) : Memory.at(cursor, RSI, 1, displacement);
    }
}
