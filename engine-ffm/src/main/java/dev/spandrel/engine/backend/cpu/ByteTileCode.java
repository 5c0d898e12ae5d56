package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.Assembler.Register.R11;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R9;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RAX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RBP;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RDX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RSP;

import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.cpu.Assembler.Memory;

/**
 * Listings for rows that {@link ByteActivations} rounded to signed bytes, one scale per block of 32, against panels of bytes
 * or nibbles. They share the frame of {@link TileCode}, with tiles of three rows by four vectors: within a block their sums are exact
 * integers in twelve registers; behind it they are turned to F32 and added, times the scales, to twelve others. A block's integers
 * begin at what takes the weights' zero point off. A row's output takes the same instructions in every tile.
 *
 * <p>Tried, in GOP/s of 470 on one thread: six rows whose F32 sums wait in the first-level cache 358, since a store of 512 bits takes
 * two cycles; six rows by two vectors, twice 380; these 407, and 8 of 9 instructions that multiply would be 418.
 *
 * <p>Arguments are those of {@link TileCode}, r9 being blocks; the mask of low nibbles follows on the stack.
 */
final class ByteTileCode {
    private static final int MOST_ROWS = 3;
    private static final int[][] TILES = {{5, 3}, {4, 2}, {3, 3}, {2, 2}, {1, 1}};
    private static final int STEP = PackedMatrix.STEP;
    /** Registers: F32 sums come first, then a block's integers, then weights and the inputs they meet. */
    private static final int INTEGERS = 12;

    private static final int WEIGHTS = TileCode.WEIGHTS;
    private static final int BROADCAST = TileCode.BROADCAST;
    /** In place of them for nibbles: two vectors in halves, and the inputs they meet. */
    private static final int MASK = 24;

    private static final int LOW = 25;
    private static final int HIGH = 27;
    private static final int INPUTS = 29;

    /** Behind two pushes and the return address: rows, what is added to rdi and rcx, how far what comes next lies. */
    private static final Memory NIBBLES = Memory.at(RSP, 56);

    private ByteTileCode() {}

    /** @param format INT8, Q8_0 or Q4_0 */
    static void write(Assembler to, String name, WeightFormat format) {
        TileCode.frame(to, name, TILES, MOST_ROWS, rows -> tile(to, name + rows, format, rows));
    }

    private static void tile(Assembler to, String name, WeightFormat format, int rows) {
        boolean nibbles = format == WeightFormat.Q4_0;
        int scales = scales(format);
        int steps = nibbles ? PackedMatrix.Q4_STEPS : PackedMatrix.Q8_STEPS;
        TileCode.cursors(to, rows);
        to.address(R11, Memory.at(RDX, format == WeightFormat.INT8 ? PackedMatrix.ROW_SCALES : 0))
                .move(RBP, R9);
        TileCode.clear(to, 4 * rows);
        if (nibbles) {
            to.vector("vbroadcastss", MASK, NIBBLES);
        }
        to.align(32).label(name);
        for (int r = 0; r < rows; r++) {
            to.vector("vbroadcastss", INTEGERS + 4 * r, TileCode.row(r, ByteActivations.ZERO));
            for (int v = 1; v < 4; v++) {
                to.vector("vmovups", INTEGERS + 4 * r + v, INTEGERS + 4 * r);
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
        if (format == WeightFormat.INT8) {
            scaleOutputs(to, rows);
        }
        TileCode.store(to, rows, 4);
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
            int input = BROADCAST + (step * rows + r) % 4;
            to.vector("vbroadcastss", input, TileCode.row(r, 4 * step));
            for (int v = 0; v < 4; v++) {
                to.vector("vpdpbusd", INTEGERS + 4 * r + v, WEIGHTS + v, input);
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
                        int weights = (half == 0 ? LOW : HIGH) + i;
                        to.vector("vpdpbusd", INTEGERS + 4 * r + pair + i, weights, input);
                    }
                }
            }
        }
    }

    /** Integers of a block to F32, times the scales, added. */
    private static void scale(Assembler to, WeightFormat format, int rows) {
        boolean blocked = format != WeightFormat.INT8;
        // Nibbles keep their mask in the register before these.
        int weights = MASK + 1;
        for (int v = 0; blocked && v < 4; v++) {
            to.vector("vcvtph2ps", weights + v, Memory.at(R11, 32 * v));
        }
        for (int r = 0; r < rows; r++) {
            int input = blocked ? INPUTS : INPUTS + r;
            to.vector("vbroadcastss", input, TileCode.row(r, ByteActivations.SCALE));
            for (int v = 0; v < 4; v++) {
                int integers = INTEGERS + 4 * r + v;
                int factor = blocked ? INPUTS + 1 + v % 2 : input;
                to.vector("vcvtdq2ps", integers, integers);
                if (blocked) {
                    to.vector("vmulps", factor, input, weights + v);
                }
                to.vector("vfmadd231ps", 4 * r + v, integers, factor);
            }
        }
    }

    /** A scale per output. */
    private static void scaleOutputs(Assembler to, int rows) {
        for (int i = 0; i < 4 * rows; i++) {
            to.vector("vmulps", i, i, Memory.at(RDX, 64 * (i % 4)));
        }
    }
}
