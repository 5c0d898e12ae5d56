package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.Assembler.Register.R11;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R12;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R13;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R14;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R8;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R9;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RAX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RBP;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RBX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RCX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RDI;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RDX;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.RSP;
import static dev.spandrel.engine.backend.cpu.TileCode.BROADCAST;
import static dev.spandrel.engine.backend.cpu.TileCode.WEIGHTS;

import dev.spandrel.engine.backend.cpu.Assembler.Memory;
import dev.spandrel.engine.backend.cpu.Assembler.Register;

/**
 * Listings for one tile of attention, AVX-512: one to six rows against all the blocks of keys, or of values, that they see. Blocks of 16
 * positions lie where a list says, so that one call does what would be one for each block: sums of values stay in registers from
 * block to block. While a block is multiplied the one after the next is brought into the second-level cache; a list goes on
 * for two entries that are only fetched. Every output is one lane that takes one multiply-add after the other, in order.
 *
 * <p>Arguments (System V): rdi first row, rsi bytes from row to row, rdx the list, rcx outputs, r8 bytes from output row to row; on
 * the stack the number of rows and what is to be added to rdi and rcx, as in {@link TileCode}. A list of longs begins with
 * {@link #HEADER} of its own: what is added to each address, and bytes from one position's values to the next.
 */
final class AttentionCode {
    /** Positions of a block. */
    static final int BLOCK = 16;
    /** Entries of a list before its addresses. */
    static final int HEADER = 2;
    /** Rows of the largest tile. */
    static final int MOST_ROWS = 6;

    private static final Register[] SAVED = {RBX, RBP, R12, R13, R14};
    /** Behind what is saved and the return address. */
    private static final int STACK = 8 * (SAVED.length + 1);

    private static final Memory ROWS = Memory.at(RSP, STACK);
    private static final Memory LAST = Memory.at(RSP, STACK + 24);

    private AttentionCode() {}

    /**
     * Rows of queries against keys, which lie transposed: 16 to a vector, one vector a step. Two blocks at a time share each
     * broadcast of a query's element. r9 is the width of a head, the last argument the number of blocks.
     *
     * @param load what makes F32 of keys: vmovups of F32, vcvtph2ps of F16
     */
    static void scores(Assembler to, String name, String load) {
        frame(to, name, rows -> {
            String own = name + rows;
            to.label(own + "_next").load(RAX, LAST).compare(RAX, 2).jump("jl", own + "_one");
            to.subtract(RAX, 2).store(LAST, RAX);
            scoreBlocks(to, own + "_pair", load, rows, 2);
            to.jump(own + "_next");
            to.label(own + "_one").compare(RAX, 1).jump("jl", name + "_end");
            scoreBlocks(to, own + "_single", load, rows, 1);
            to.jump(name + "_end");
        });
    }

    private static void scoreBlocks(Assembler to, String name, String load, int rows, int blocks) {
        TileCode.cursors(to, rows);
        to.load(R11, entry(0)).load(R12, entry(blocks)).subtract(R12, R11);
        to.load(R13, entry(blocks + 1)).subtract(R13, R11);
        if (blocks == 2) {
            to.load(RAX, entry(1)).subtract(RAX, R11);
        }
        to.move(RBP, R9);
        TileCode.clear(to, blocks * rows);
        to.align(32).label(name).vector(load, WEIGHTS, Memory.at(R11, 0));
        if (blocks == 2) {
            to.vector(load, WEIGHTS + 1, Memory.at(R11, RAX, 1, 0));
        }
        to.prefetch(Memory.at(R11, R12, 1, 0)).prefetch(Memory.at(R11, R13, 1, 0));
        for (int r = 0; r < rows; r++) {
            to.vector("vbroadcastss", BROADCAST + r % 4, TileCode.row(r, 0));
            for (int b = 0; b < blocks; b++) {
                to.vector("vfmadd231ps", blocks * r + b, WEIGHTS + b, BROADCAST + r % 4);
            }
        }
        TileCode.advance(to, rows, 4);
        to.add(R11, BLOCK * elementBytes(load)).decrement(RBP).jump("jne", name).push(RCX);
        TileCode.store(to, rows, blocks);
        to.pop(RCX).add(RCX, blocks * BLOCK * 4).add(RDX, blocks * 8);
    }

    /**
     * Rows of weights against values: adds to outputs of 64 columns; a step is one position. r9 is the number of positions,
     * at least 1, the last argument how many of them the first block has.
     *
     * @param load as in {@link #scores}
     */
    static void weighted(Assembler to, String name, String load) {
        int bytes = elementBytes(load);
        frame(to, name, rows -> {
            String own = name + rows;
            to.load(R14, Memory.at(RDX, 0)).load(R13, Memory.at(RDX, 8));
            TileCode.cursors(to, rows);
            to.load(RBP, LAST).push(RCX);
            for (int r = 0; r < rows; r++) {
                for (int v = 0; v < 4; v++) {
                    to.vector("vmovups", 4 * r + v, Memory.at(RCX, 64 * v));
                }
                to.add(RCX, R8);
            }
            to.pop(RCX).label(own + "_block").subtract(R9, RBP);
            to.load(R12, entry(2)).load(R11, entry(0)).subtract(R12, R11).add(R11, R14);
            to.align(32).label(own);
            for (int v = 0; v < 4; v++) {
                to.vector(load, WEIGHTS + v, Memory.at(R11, BLOCK * bytes * v));
            }
            for (int line = 0; line < bytes; line++) {
                to.prefetch(Memory.at(R11, R12, 1, 64 * line));
            }
            TileCode.multiplyRows(to, "vfmadd231ps", rows);
            TileCode.advance(to, rows, 4);
            to.add(R11, R13).decrement(RBP).jump("jne", own);
            to.add(RDX, 8).add(RBP, BLOCK).compare(R9, BLOCK).jump("jge", own + "_block");
            to.move(RBP, R9).compare(R9, 1).jump("jge", own + "_block");
            TileCode.store(to, rows, 4);
            to.jump(name + "_end");
        });
    }

    private static int elementBytes(String load) {
        return load.equals("vcvtph2ps") ? 2 : 4;
    }

    private static Memory entry(int block) {
        return Memory.at(RDX, 8 * (HEADER + block));
    }

    private interface Tile {
        void write(int rows);
    }

    private static void frame(Assembler to, String name, Tile tile) {
        to.align(64);
        for (Register each : SAVED) {
            to.push(each);
        }
        to.add(RDI, Memory.at(RSP, STACK + 8))
                .add(RCX, Memory.at(RSP, STACK + 16))
                .load(RAX, ROWS);
        for (int rows = MOST_ROWS; rows >= 1; rows--) {
            to.compare(RAX, rows).jump("jge", name + "_tile" + rows);
        }
        to.label(name + "_end").vzeroupper();
        for (int i = SAVED.length - 1; i >= 0; i--) {
            to.pop(SAVED[i]);
        }
        to.ret();
        for (int rows = MOST_ROWS; rows >= 1; rows--) {
            to.label(name + "_tile" + rows);
            tile.write(rows);
        }
    }
}
