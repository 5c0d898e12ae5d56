package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.Assembler.Register.R10;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R11;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R12;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R13;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R14;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R15;
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
import dev.spandrel.engine.backend.cpu.BlockLayout.Factors;

/**
 * Listings that multiply rows of integers by one panel of a {@link BlockLayout}, for AVX-512 with VNNI. Tiles of up to four rows by
 * 64 outputs; sixteen outputs at a time, the quants of one group are taken out of their planes once for all rows. Within a
 * group sums are exact integers; then comes one fused multiply-add by the scale, and one by the minimum. A row's result is the
 * same in every tile.
 *
 * <p>A row is {@code parts} rows of signed bytes: upper and lower ones of 16-bit integers, or one. Arguments (System V): rdi first row,
 * rsi bytes from part to part, rdx panel, rcx outputs, r8 bytes from output row to row, r9 blocks, then on the stack the number
 * of rows, what goes with the groups of the first row, bytes of that from row to row, what is to be added to rcx, and how far
 * behind the panel the next one lies. With a group goes 4 bytes: without a minimum the integer that its sum begins with, which takes
 * the zero point off; with one the sum of its inputs, F32. With one part another 4 follow: the F32 scale of the group's inputs.
 */
final class PlaneCode {
    /** Rows of the largest tile: 16 accumulators, eight vectors of quants, four sums, scale, minimum and two masks are 32 registers. */
    private static final int MOST_ROWS = 4;
    /** First of the quants of a group, by fours. */
    private static final int QUANTS = 16;
    /** Sums of rows and parts; before that, room to put quants together. */
    private static final int SUMS = 24;

    private static final int MOST_SUMS = 4;
    private static final int SCALE = 28;
    private static final int MINIMUM = 29;
    private static final int BASE_MASK = 30;
    private static final int EXTRA_MASK = 31;

    /** (first and second) or third, bit by bit. */
    private static final int AND_OR = 0xEA;

    private static final int PANEL_HALVES = 2 * 64;

    /** Rows of a tile that waits for memory at every step. */
    private static final int FEW_ROWS = 2;
    /**
     * Bytes ahead that such a tile fetches of a panel with two planes: Q6_K on one thread 22 GB/s instead of 17. Q4_K lost by
     * any distance: 24 GB/s as the hardware prefetches, 14 to 22 otherwise.
     */
    private static final int FAR = 8192;

    /** Rows left, at least, and rows of the tile taken then: as few tiles as there can be, as even as they can be. */
    private static final int[][] TILES = {{10, 4}, {9, 3}, {7, 4}, {5, 3}, {4, 4}, {3, 3}, {2, 2}, {1, 1}};

    private final Assembler to;
    private final BlockLayout b;
    private final int parts;
    private final String name;

    private PlaneCode(Assembler to, String name, BlockLayout layout, int parts) {
        this.to = to;
        this.name = name;
        b = layout;
        this.parts = parts;
    }

    /** @param parts rows of bytes that make a row, 1 or 2 */
    static void multiply(Assembler to, String name, BlockLayout layout, int parts) {
        new PlaneCode(to, name, layout, parts).write();
    }

    /** A stack argument, behind the return address, six saved registers and {@code pushed} more. */
    private static Memory argument(int index, int pushed) {
        return Memory.at(RSP, 8 * (1 + 6 + pushed + index));
    }

    private static Memory rowsLeft() {
        return argument(0, 0);
    }

    private void write() {
        to.align(64).push(RBX).push(RBP).push(R12).push(R13).push(R14).push(R15);
        mask(BASE_MASK, b.base(), 0);
        if (b.extra() > 0) {
            mask(EXTRA_MASK, b.extra(), b.base());
        } else if (b.factors() == Factors.NIBBLES) {
            to.constant(RAX, 15).broadcast(EXTRA_MASK, RAX);
        }
        to.address(R10, Memory.at(RSI, RSI, 2, 0)).address(R12, Memory.at(RSI, RSI, 4, 0));
        to.address(R13, Memory.at(R10, RSI, 4, 0)).load(R14, argument(2, 0)).address(R15, Memory.at(R14, R14, 2, 0));
        to.add(RCX, argument(3, 0)).load(RAX, rowsLeft());
        to.label(name + "_next");
        for (int[] each : TILES) {
            to.compare(RAX, each[0]).jump("jge", name + "_tile" + each[1]);
        }
        to.vzeroupper().pop(R15).pop(R14).pop(R13).pop(R12).pop(RBP).pop(RBX).ret();
        for (int rows = MOST_ROWS; rows >= 1; rows--) {
            to.label(name + "_tile" + rows);
            tile(name + rows, rows);
            to.load(RAX, argument(4, 0)).add(RAX, 64).store(argument(4, 0), RAX);
            to.load(RAX, rowsLeft()).subtract(RAX, rows).store(rowsLeft(), RAX);
            to.jump(name + "_next");
        }
    }

    /** A mask of some bits of every byte. */
    private void mask(int register, int width, int shift) {
        to.constant(RAX, ((1 << width) - 1 << shift) * 0x01010101).broadcast(register, RAX);
    }

    /**
     * In the loop rbx is the inputs, rax what goes with groups, rdx the block, r11 the run, rcx runs left, rbp blocks left, rdi the
     * distance of what comes next.
     */
    private void tile(String label, int rows) {
        to.push(RDI).push(RCX).push(RDX);
        to.move(RBX, RDI).load(RAX, argument(1, 3)).load(RDI, argument(4, 3)).move(RBP, R9);
        TileCode.clear(to, 4 * rows);
        to.align(32).label(label).address(R11, Memory.at(RDX, b.headBytes()));
        if (b.runs() > 1) {
            to.constant(RCX, b.runs()).align(32).label(label + "_run");
        }
        prefetch(rows);
        for (int v = 0; v < 4; v++) {
            for (int group = 0; group < b.groups(); group++) {
                scale(v, group);
                quants(v, group);
                for (int row = 0; row < rows; row += MOST_SUMS / parts) {
                    multiplyRows(v, group, row, Math.min(rows, row + MOST_SUMS / parts));
                }
            }
        }
        to.add(RBX, BlockLayout.RUN).add(RAX, b.groups() * withGroup()).add(R11, b.runBytes());
        if (b.runs() > 1) {
            to.decrement(RCX).jump("jne", label + "_run");
        }
        to.move(RDX, R11).decrement(RBP).jump("jne", label);
        to.pop(RDX).pop(RCX);
        TileCode.store(to, rows, 4);
        to.pop(RDI).load(RAX, argument(1, 0));
        for (int row = 0; row < rows; row++) {
            to.add(RAX, R14);
        }
        to.store(argument(1, 0), RAX);
        for (int part = 0; part < rows * parts; part++) {
            to.add(RDI, RSI);
        }
    }

    /** Of what comes next, one cache line in four with each tile; but a tile of few rows waits for memory itself. */
    private void prefetch(int rows) {
        if (rows > FEW_ROWS) {
            for (int line = 0; line < b.runBytes(); line += PackedMatrix.STEP) {
                to.prefetch(Memory.at(R11, RDI, 1, line));
            }
        } else if (b.extra() > 0) {
            for (int line = 0; line < b.runBytes(); line += 64) {
                to.prefetch(Memory.at(R11, FAR + line));
            }
        }
    }

    private int withGroup() {
        return parts == 1 ? 8 : 4;
    }

    /** Scale and minimum of sixteen outputs. */
    private void scale(int v, int group) {
        to.vector("vcvtph2ps", SCALE, Memory.at(RDX, 32 * v));
        if (b.minimum() != 0) {
            to.vector("vcvtph2ps", MINIMUM, Memory.at(RDX, PANEL_HALVES + 32 * v));
        }
        if (b.factors() == Factors.NIBBLES) {
            nibbles(v, group);
            return;
        }
        if (b.factors() != Factors.NONE) {
            factor("vpmovsxbd", SCALE, v, group * b.factors().bytes);
        }
        if (b.factors() == Factors.SCALE_AND_MINIMUM) {
            factor("vpmovsxbd", MINIMUM, v, group * b.factors().bytes + 1);
        }
    }

    /** Both factors of a byte. */
    private void nibbles(int v, int group) {
        int low = SUMS + 1;
        to.vector("vpmovzxbd", SUMS, Memory.at(R11, 64 * group + 16 * v));
        to.vector("vpandd", low, SUMS, EXTRA_MASK).shift("vpsrld", SUMS, SUMS, 4);
        to.vector("vcvtdq2ps", low, low).vector("vcvtdq2ps", SUMS, SUMS);
        to.vector("vmulps", SCALE, SCALE, low).vector("vmulps", MINIMUM, MINIMUM, SUMS);
    }

    private void factor(String widen, int register, int v, int index) {
        to.vector(widen, SUMS, Memory.at(R11, 64 * index + 16 * v)).vector("vcvtdq2ps", SUMS, SUMS);
        to.vector("vmulps", register, register, SUMS);
    }

    /** The quants of a group out of their planes, four inputs of sixteen outputs in a register. */
    private void quants(int v, int group) {
        int count = b.group() / 4;
        int extraStep = SUMS + 1;
        if (b.extra() > 0) {
            to.vector("vmovups", extraStep, plane(b.base() + group * count * b.extra() / 8, v));
        }
        for (int i = 0; i < count; i++) {
            int bit = (group * count + i) * b.base();
            int register = QUANTS + i;
            Memory step = plane(bit / 8, v);
            if (bit % 8 > 0) {
                to.shift("vpsrld", register, step, bit % 8);
            }
            if (b.extra() == 0) {
                if (bit % 8 > 0) {
                    to.vector("vpandd", register, register, BASE_MASK);
                } else {
                    to.vector("vpandd", register, BASE_MASK, step);
                }
                continue;
            }
            if (bit % 8 == 0) {
                to.vector("vmovups", register, step);
            }
            extra(extraStep, (group * count + i) * b.extra() % 8);
            to.ternary(register, BASE_MASK, SUMS, AND_OR);
        }
    }

    /** The bits of a step's bytes from {@code bit} on, to where they belong above the base. */
    private void extra(int step, int bit) {
        int from = step;
        if (bit != b.base()) {
            boolean left = bit < b.base();
            to.shift(left ? "vpslld" : "vpsrld", SUMS, step, Math.abs(b.base() - bit));
            from = SUMS;
        }
        to.vector("vpandd", SUMS, from, EXTRA_MASK);
    }

    private Memory plane(int step, int v) {
        return Memory.at(R11, b.planeAt(v * BlockLayout.TOGETHER) + step * BlockLayout.STEP);
    }

    private void multiplyRows(int v, int group, int from, int end) {
        int count = b.group() / 4;
        for (int row = from; row < end; row++) {
            for (int part = 0; part < parts; part++) {
                int sum = sum(row - from, part);
                if (part == parts - 1 && b.zero() != 0) {
                    to.vector("vbroadcastss", sum, withGroup(row, group, 0));
                } else {
                    to.vector("vpxord", sum, sum, sum);
                }
            }
        }
        for (int i = 0; i < count; i++) {
            for (int row = from; row < end; row++) {
                for (int part = 0; part < parts; part++) {
                    Memory inputs = input(row * parts + part, 4 * (group * count + i));
                    to.vector("vpdpbusd", sum(row - from, part), QUANTS + i, inputs.broadcastOne());
                }
            }
        }
        for (int row = from; row < end; row++) {
            int sum = sum(row - from, parts - 1);
            if (parts == 2) {
                int upper = sum(row - from, 0);
                to.shift("vpslld", upper, upper, 8).vector("vpaddd", sum, sum, upper);
            }
            to.vector("vcvtdq2ps", sum, sum);
            if (parts == 1) {
                to.vector("vmulps", sum, sum, withGroup(row, group, 4).broadcastOne());
            }
            to.vector("vfmadd231ps", 4 * row + v, sum, SCALE);
            if (b.minimum() != 0) {
                String op = b.minimum() > 0 ? "vfmadd231ps" : "vfnmadd231ps";
                to.vector(op, 4 * row + v, MINIMUM, withGroup(row, group, 0).broadcastOne());
            }
        }
    }

    private int sum(int row, int part) {
        return SUMS + row * parts + part;
    }

    /** Where a part of a tile's rows is read: r10, r12 and r13 are 3, 5 and 7 times rsi. */
    private static Memory input(int part, int displacement) {
        return switch (part) {
            case 0 -> Memory.at(RBX, displacement);
            case 1, 2, 4 -> Memory.at(RBX, RSI, part, displacement);
            case 3, 6 -> Memory.at(RBX, R10, part / 3, displacement);
            case 5 -> Memory.at(RBX, R12, 1, displacement);
            default -> Memory.at(RBX, R13, 1, displacement);
        };
    }

    private Memory withGroup(int row, int group, int displacement) {
        int at = group * withGroup() + displacement;
        return switch (row) {
            case 0 -> Memory.at(RAX, at);
            case 3 -> Memory.at(RAX, R15, 1, at);
            default -> Memory.at(RAX, R14, row, at);
        };
    }
}
