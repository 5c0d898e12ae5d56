package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.Assembler.Register.R11;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R9;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RAX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RBP;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RDI;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RDX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RSP;

import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.cpu.Assembler.Memory;

/**
 * Listings for rows that {@link ByteActivations} rounded to signed bytes, one scale per block of 32, against panels of bytes
 * or nibbles. They share the frame of {@link TileCode}: within a block the sums of six rows by four vectors are exact integers
 * in 24 registers; behind it they are turned to F32 and added, times the scales, to sums in the first-level cache. A block's integers
 * begin at what takes the weights' zero point off. A row's output takes the same instructions in every tile.
 *
 * <p>Arguments are those of {@link TileCode}, r9 being blocks; two more follow on the stack: an aligned place for the F32 sums of
 * a tile, and the mask of low nibbles.
 */
final class ByteTileCode {
    /** Bytes of F32 sums that a tile needs. */
    static final int SUM_BYTES = 6 * PackedMatrix.STEP;

    private static final int STEP = PackedMatrix.STEP;
    private static final int WEIGHTS = TileCode.WEIGHTS;
    private static final int BROADCAST = TileCode.BROADCAST;
    /** Registers of a tile of nibbles behind the sums: two vectors in halves, and the rows they meet. */
    private static final int MASK = 24;

    private static final int LOW = 25;
    private static final int HIGH = 27;
    private static final int INPUTS = 29;

    /** Behind two pushes and the return address: rows, what is added to rdi and rcx, how far what comes next lies. */
    private static final Memory SUMS = Memory.at(RSP, 56);
    /** With rdi pushed. */
    private static final Memory NIBBLES = Memory.at(RSP, 72);

    private ByteTileCode() {}

    /** @param format INT8, Q8_0 or Q4_0 */
    static void write(Assembler to, String name, WeightFormat format) {
        TileCode.frame(to, name, rows -> tile(to, name + rows, format, rows));
    }

    private static void tile(Assembler to, String name, WeightFormat format, int rows) {
        boolean nibbles = format == WeightFormat.Q4_0;
        int scales = scales(format);
        int steps = nibbles ? PackedMatrix.Q4_STEPS : PackedMatrix.Q8_STEPS;
        TileCode.cursors(to, rows);
        to.load(R11, SUMS).push(RDI).move(RDI, R11).move(RBP, R9);
        to.address(R11, Memory.at(RDX, format == WeightFormat.INT8 ? PackedMatrix.ROW_SCALES : 0));
        to.vector("vpxord", WEIGHTS, WEIGHTS, WEIGHTS);
        for (int i = 0; i < 4 * rows; i++) {
            to.store(sum(i), WEIGHTS);
        }
        if (nibbles) {
            to.vector("vbroadcastss", MASK, NIBBLES);
        }
        to.align(32).label(name);
        for (int r = 0; r < rows; r++) {
            to.vector("vbroadcastss", 4 * r, TileCode.row(r, ByteActivations.ZERO));
            for (int v = 1; v < 4; v++) {
                to.vector("vmovups", 4 * r + v, 4 * r);
            }
        }
        for (int s = 0; s < steps; s++) {
            int at = scales + s * STEP;
            fetch(to, rows, nibbles, at);
            if (nibbles) {
                nibbles(to, rows, s, at);
            } else {
                bytes(to, rows, s, at);
            }
        }
        scale(to, format, rows);
        TileCode.advance(to, rows, ByteActivations.BLOCK_BYTES);
        to.add(R11, scales + steps * STEP).decrement(RBP).jump("jne", name);
        store(to, format, rows);
        to.pop(RDI);
    }

    /** Bytes of scales before each block of weights. */
    private static int scales(WeightFormat format) {
        return format == WeightFormat.INT8 ? 0 : PackedMatrix.BLOCK_SCALES;
    }

    private static void fetch(Assembler to, int rows, boolean nibbles, int at) {
        if (rows <= TileCode.FEW_ROWS && !nibbles) {
            for (int line = 0; line < STEP / 64; line++) {
                to.prefetch(Memory.at(R11, TileCode.NEAR + at + 64 * line));
            }
        } else {
            to.prefetch(Memory.at(R11, RAX, 1, at));
        }
    }

    /** Four inputs of each row. */
    private static void bytes(Assembler to, int rows, int step, int at) {
        for (int v = 0; v < 4; v++) {
            to.vector("vmovups", WEIGHTS + v, Memory.at(R11, at + 64 * v));
        }
        for (int r = 0; r < rows; r++) {
            to.vector("vbroadcastss", BROADCAST + r % 4, TileCode.row(r, 4 * step));
            for (int v = 0; v < 4; v++) {
                to.vector("vpdpbusd", 4 * r + v, WEIGHTS + v, BROADCAST + r % 4);
            }
        }
    }

    /** Four inputs of each row of the block's first half, and four of its second; two vectors of weights at a time. */
    private static void nibbles(Assembler to, int rows, int step, int at) {
        for (int pair = 0; pair < 4; pair += 2) {
            for (int i = 0; i < 2; i++) {
                to.vector("vmovups", HIGH + i, Memory.at(R11, at + 64 * (pair + i)));
                to.vector("vpandd", LOW + i, HIGH + i, MASK).shift("vpsrld", HIGH + i, HIGH + i, 4);
                to.vector("vpandd", HIGH + i, HIGH + i, MASK);
            }
            for (int half = 0; half < 2; half++) {
                for (int r = 0; r < rows; r++) {
                    int input = INPUTS + (half * rows + r) % 3;
                    to.vector("vbroadcastss", input, TileCode.row(r, WeightFormat.BLOCK / 2 * half + 4 * step));
                    for (int i = 0; i < 2; i++) {
                        to.vector("vpdpbusd", 4 * r + pair + i, (half == 0 ? LOW : HIGH) + i, input);
                    }
                }
            }
        }
    }

    /** Integers of a block to F32, times the scales, added. */
    private static void scale(Assembler to, WeightFormat format, int rows) {
        boolean blocked = format != WeightFormat.INT8;
        // Nibbles keep their mask in the first of these registers.
        int weights = MASK + 1;
        if (blocked) {
            for (int v = 0; v < 4; v++) {
                to.vector("vcvtph2ps", weights + v, Memory.at(R11, 32 * v));
            }
        }
        for (int r = 0; r < rows; r++) {
            to.vector("vbroadcastss", INPUTS, TileCode.row(r, ByteActivations.SCALE));
            for (int v = 0; v < 4; v++) {
                int i = 4 * r + v;
                int factor = blocked ? INPUTS + 1 + v % 2 : INPUTS;
                to.vector("vcvtdq2ps", i, i);
                if (blocked) {
                    to.vector("vmulps", factor, INPUTS, weights + v);
                }
                to.vector("vfmadd213ps", i, factor, sum(i)).store(sum(i), i);
            }
        }
    }

    /** Sums to output rows, times a scale per output where the format has one; rcx is behind them then. */
    private static void store(Assembler to, WeightFormat format, int rows) {
        boolean scaled = format == WeightFormat.INT8;
        for (int v = 0; scaled && v < 4; v++) {
            to.vector("vmovups", WEIGHTS + v, Memory.at(RDX, 64 * v));
        }
        for (int i = 0; i < 4 * rows; i++) {
            if (scaled) {
                to.vector("vmulps", i, WEIGHTS + i % 4, sum(i));
            } else {
                to.vector("vmovups", i, sum(i));
            }
        }
        TileCode.store(to, rows, 4);
    }

    private static Memory sum(int register) {
        return Memory.at(RDI, 64 * register);
    }
}
