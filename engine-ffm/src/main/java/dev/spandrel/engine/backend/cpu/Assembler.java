package dev.spandrel.engine.backend.cpu;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns a listing of the few x86-64 instructions that our kernels use into bytes (Intel SDM volume 2; EVEX is always 512
 * bits wide here, VEX is for tiles). Each line is kept as text in Intel's syntax too, and a test has GNU as translate that
 * text and compares the bytes.
 */
final class Assembler {
    /** Opcode maps. */
    private static final int MAP_0F = 1;

    private static final int MAP_0F38 = 2;

    private static final int MAP_0F3A = 3;

    /** How a vector instruction is encoded. */
    private record Evex(int map, int prefix, int opcode, int memoryBytes) {}

    /** prefix: 0 none, 1 66, 2 F3, 3 F2. The last number is what an 8-bit displacement counts in. */
    private static final Map<String, Evex> VECTOR = Map.ofEntries(
            Map.entry("vmovups", new Evex(MAP_0F, 0, 0x10, 64)),
            Map.entry("vbroadcastss", new Evex(MAP_0F38, 1, 0x18, 4)),
            Map.entry("vmulps", new Evex(MAP_0F, 0, 0x59, 64)),
            Map.entry("vfmadd231ps", new Evex(MAP_0F38, 1, 0xB8, 64)),
            Map.entry("vdpbf16ps", new Evex(MAP_0F38, 2, 0x52, 64)),
            Map.entry("vpdpbusd", new Evex(MAP_0F38, 1, 0x50, 64)),
            Map.entry("vpxord", new Evex(MAP_0F, 1, 0xEF, 64)),
            Map.entry("vpandd", new Evex(MAP_0F, 1, 0xDB, 64)),
            Map.entry("vpaddd", new Evex(MAP_0F, 1, 0xFE, 64)),
            Map.entry("vfnmadd231ps", new Evex(MAP_0F38, 1, 0xBC, 64)),
            Map.entry("vpmovsxbd", new Evex(MAP_0F38, 1, 0x21, 16)),
            Map.entry("vpmovzxbd", new Evex(MAP_0F38, 1, 0x31, 16)),
            Map.entry("vcvtdq2ps", new Evex(MAP_0F, 0, 0x5B, 64)),
            Map.entry("vcvtph2ps", new Evex(MAP_0F38, 1, 0x13, 32)));

    /** Shifts of ints by a constant: opcode 72 with this in the register field. */
    private static final Map<String, Integer> SHIFTS = Map.of("vpsrld", 2, "vpslld", 6);

    /** Tile products: prefix and opcode in map 0F38. */
    private static final Map<String, int[]> TILE_PRODUCTS =
            Map.of("tdpbf16ps", new int[] {2, 0x5C}, "tdpbsud", new int[] {2, 0x5E});

    /** Conditions of jumps. */
    private static final Map<String, Integer> JUMPS = Map.of("jl", 0x8C, "jge", 0x8D, "jne", 0x85);

    /** General registers, by their numbers. */
    enum Register {
        RAX,
        RCX,
        RDX,
        RBX,
        RSP,
        RBP,
        RSI,
        RDI,
        R8,
        R9,
        R10,
        R11,
        R12,
        R13,
        R14,
        R15;

        @Override
        public String toString() {
            return name().toLowerCase(java.util.Locale.ROOT);
        }

        /** The name of its lower 32 bits. */
        private String half() {
            return ordinal() < 8 ? "e" + toString().substring(1) : this + "d";
        }
    }

    /**
     * {@code [base + index × scale + displacement]}.
     *
     * @param index null for none
     * @param broadcast whether one 32-bit element fills the vector
     */
    record Memory(Register base, Register index, int scale, int displacement, boolean broadcast) {
        static Memory at(Register base, int displacement) {
            return new Memory(base, null, 1, displacement, false);
        }

        static Memory at(Register base, Register index, int scale, int displacement) {
            return new Memory(base, index, scale, displacement, false);
        }

        Memory broadcastOne() {
            return new Memory(base, index, scale, displacement, true);
        }

        @Override
        public String toString() {
            return "[" + base + (index == null ? "" : "+" + index + "*" + scale)
                    + (displacement == 0 ? "" : (displacement > 0 ? "+" : "") + displacement) + "]"
                    + (broadcast ? "{1to16}" : "");
        }
    }

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final List<String> listing = new ArrayList<>();
    private final Map<String, Integer> labels = new HashMap<>();
    /** Where a jump's displacement lies, and to which label. */
    private final Map<Integer, String> jumps = new HashMap<>();

    /** The code so far, jumps resolved. */
    byte[] bytes() {
        byte[] code = out.toByteArray();
        jumps.forEach((at, label) -> {
            Integer to = labels.get(label);
            if (to == null) {
                throw new IllegalStateException("no label " + label);
            }
            int distance = to - (at + 4);
            for (int i = 0; i < 4; i++) {
                code[at + i] = (byte) (distance >> 8 * i);
            }
        });
        return code;
    }

    /** The same in Intel's syntax, one instruction or label per line. */
    List<String> listing() {
        return List.copyOf(listing);
    }

    /** Bytes so far: the offset of what comes next. */
    int size() {
        return out.size();
    }

    Assembler label(String name) {
        labels.put(name, out.size());
        listing.add(name + ":");
        return this;
    }

    /** Pads with one-byte no-ops, so that a loop or an entry begins on a cache line. */
    Assembler align(int bytes) {
        while (out.size() % bytes != 0) {
            put(0x90);
            listing.add("nop");
        }
        return this;
    }

    /** {@code op zmm, zmm, zmm}. */
    Assembler vector(String op, int to, int first, int second) {
        Evex e = VECTOR.get(op);
        evexPrefix(e, to, first, second >> 3 & 1, second >> 4, false);
        put(e.opcode, 0xC0 | (to & 7) << 3 | second & 7);
        return say(op + " zmm" + to + ", zmm" + first + ", zmm" + second);
    }

    /** {@code op zmm, zmm, [memory]}, possibly broadcast. */
    Assembler vector(String op, int to, int first, Memory memory) {
        Evex e = VECTOR.get(op);
        evexMemory(e, e.opcode, to, first, memory);
        return say(op + " zmm" + to + ", zmm" + first + ", " + sized(memory, e));
    }

    /** {@code op zmm, zmm} for the instructions with one source. */
    Assembler vector(String op, int to, int from) {
        Evex e = VECTOR.get(op);
        evexPrefix(e, to, 0, from >> 3 & 1, from >> 4, false);
        put(e.opcode, 0xC0 | (to & 7) << 3 | from & 7);
        return say(op + " zmm" + to + ", zmm" + from);
    }

    /** {@code op zmm, [memory]}. */
    Assembler vector(String op, int to, Memory memory) {
        Evex e = VECTOR.get(op);
        evexMemory(e, e.opcode, to, 0, memory);
        return say(op + " zmm" + to + ", " + sized(memory, e));
    }

    /** {@code vmovups [memory], zmm}. */
    Assembler store(Memory memory, int from) {
        Evex e = VECTOR.get("vmovups");
        evexMemory(e, 0x11, from, 0, memory);
        return say("vmovups " + sized(memory, e) + ", zmm" + from);
    }

    /** {@code op zmm, zmm, bits}. */
    Assembler shift(String op, int to, int from, int bits) {
        evexPrefix(new Evex(MAP_0F, 1, 0x72, 64), 0, to, from >> 3 & 1, from >> 4, false);
        put(0x72, 0xC0 | SHIFTS.get(op) << 3 | from & 7, bits);
        return say(op + " zmm" + to + ", zmm" + from + ", " + bits);
    }

    /** {@code op zmm, [memory], bits}. */
    Assembler shift(String op, int to, Memory memory, int bits) {
        Evex e = new Evex(MAP_0F, 1, 0x72, 64);
        evexMemory(e, e.opcode, SHIFTS.get(op), to, memory);
        put(bits);
        return say(op + " zmm" + to + ", " + sized(memory, e) + ", " + bits);
    }

    /** {@code vpternlogd zmm, zmm, zmm, table}: bit by bit, what the table says of the three. */
    Assembler ternary(int to, int first, int second, int table) {
        evexPrefix(new Evex(MAP_0F3A, 1, 0x25, 64), to, first, second >> 3 & 1, second >> 4, false);
        put(0x25, 0xC0 | (to & 7) << 3 | second & 7, table);
        return say("vpternlogd zmm" + to + ", zmm" + first + ", zmm" + second + ", " + table);
    }

    /** {@code vpbroadcastd zmm, r32}: the lower half of the register, sixteen times. */
    Assembler broadcast(int to, Register from) {
        evexPrefix(new Evex(MAP_0F38, 1, 0x7C, 4), to, 0, from.ordinal() >> 3, 0, false);
        put(0x7C, 0xC0 | (to & 7) << 3 | from.ordinal() & 7);
        return say("vpbroadcastd zmm" + to + ", " + from.half());
    }

    /** Into the second-level cache. */
    Assembler prefetch(Memory memory) {
        int extensions = high(memory.index) << 1 | memory.base.ordinal() >> 3;
        if (extensions != 0) {
            put(0x40 | extensions);
        }
        put(0x0F, 0x18);
        modRm(2, memory, 1);
        return say("prefetcht1 byte ptr " + memory);
    }

    Assembler vzeroupper() {
        put(0xC5, 0xF8, 0x77);
        return say("vzeroupper");
    }

    Assembler loadTileConfiguration(Memory memory) {
        vexMemory(0, 0x49, 0, memory);
        return say("ldtilecfg " + memory);
    }

    Assembler releaseTiles() {
        put(0xC4, 0xE2, 0x78, 0x49, 0xC0);
        return say("tilerelease");
    }

    Assembler zeroTile(int tile) {
        put(0xC4, 0xE2, 0x7B, 0x49, 0xC0 | tile << 3);
        return say("tilezero tmm" + tile);
    }

    /** Rows of a tile lie as far apart as the index register says. */
    Assembler loadTile(int tile, Memory memory) {
        vexMemory(3, 0x4B, tile, memory);
        return say("tileloadd tmm" + tile + ", " + memory);
    }

    Assembler storeTile(Memory memory, int tile) {
        vexMemory(2, 0x4B, tile, memory);
        return say("tilestored " + memory + ", tmm" + tile);
    }

    /** {@code to += rows × columns}. */
    Assembler multiplyTiles(String op, int to, int rows, int columns) {
        int[] e = TILE_PRODUCTS.get(op);
        put(0xC4, 0xE2, (~columns & 15) << 3 | e[0], e[1], 0xC0 | to << 3 | rows);
        return say(op + " tmm" + to + ", tmm" + rows + ", tmm" + columns);
    }

    /** {@code mov r32, value}; the upper half of the register becomes zero. */
    Assembler constant(Register to, int value) {
        if (to.ordinal() >= 8) {
            put(0x41);
        }
        put(0xB8 | to.ordinal() & 7);
        putLittle(value, 4);
        return say("mov " + to.half() + ", " + value);
    }

    Assembler move(Register to, Register from) {
        put(rex(from.ordinal() >> 3, 0, to.ordinal() >> 3), 0x89, 0xC0 | (from.ordinal() & 7) << 3 | to.ordinal() & 7);
        return say("mov " + to + ", " + from);
    }

    Assembler load(Register to, Memory memory) {
        return general(0x8B, "mov ", to, memory);
    }

    Assembler store(Memory memory, Register from) {
        put(rex(from.ordinal() >> 3, high(memory.index), memory.base.ordinal() >> 3), 0x89);
        modRm(from.ordinal() & 7, memory, 1);
        return say("mov " + memory + ", " + from);
    }

    /** The address itself. */
    Assembler address(Register to, Memory memory) {
        return general(0x8D, "lea ", to, memory);
    }

    private Assembler general(int opcode, String name, Register to, Memory memory) {
        put(rex(to.ordinal() >> 3, high(memory.index), memory.base.ordinal() >> 3), opcode);
        modRm(to.ordinal() & 7, memory, 1);
        return say(name + to + ", " + memory);
    }

    Assembler add(Register to, Register from) {
        put(rex(from.ordinal() >> 3, 0, to.ordinal() >> 3), 0x01, 0xC0 | (from.ordinal() & 7) << 3 | to.ordinal() & 7);
        return say("add " + to + ", " + from);
    }

    Assembler subtract(Register to, Register from) {
        put(rex(from.ordinal() >> 3, 0, to.ordinal() >> 3), 0x29, 0xC0 | (from.ordinal() & 7) << 3 | to.ordinal() & 7);
        return say("sub " + to + ", " + from);
    }

    Assembler add(Register to, Memory memory) {
        return general(0x03, "add ", to, memory);
    }

    Assembler add(Register to, int value) {
        return immediate(0, "add ", to, value);
    }

    Assembler subtract(Register to, int value) {
        return immediate(5, "sub ", to, value);
    }

    Assembler compare(Register left, int value) {
        return immediate(7, "cmp ", left, value);
    }

    private Assembler immediate(int code, String name, Register to, int value) {
        boolean small = value == (byte) value;
        put(rex(0, 0, to.ordinal() >> 3));
        // The accumulator has a shorter form that assemblers choose.
        if (!small && to == Register.RAX) {
            put(code << 3 | 5);
        } else {
            put(small ? 0x83 : 0x81, 0xC0 | code << 3 | to.ordinal() & 7);
        }
        putLittle(value, small ? 1 : 4);
        return say(name + to + ", " + value);
    }

    Assembler decrement(Register register) {
        put(rex(0, 0, register.ordinal() >> 3), 0xFF, 0xC8 | register.ordinal() & 7);
        return say("dec " + register);
    }

    Assembler push(Register register) {
        return stack(0x50, "push ", register);
    }

    Assembler pop(Register register) {
        return stack(0x58, "pop ", register);
    }

    private Assembler stack(int opcode, String name, Register register) {
        if (register.ordinal() >= 8) {
            put(0x41);
        }
        put(opcode | register.ordinal() & 7);
        return say(name + register);
    }

    Assembler jump(String condition, String label) {
        put(0x0F, JUMPS.get(condition));
        jumps.put(out.size(), label);
        putLittle(0, 4);
        return say(condition + " " + label);
    }

    Assembler jump(String label) {
        put(0xE9);
        jumps.put(out.size(), label);
        putLittle(0, 4);
        return say("jmp " + label);
    }

    Assembler ret() {
        put(0xC3);
        return say("ret");
    }

    private Assembler say(String line) {
        listing.add(line);
        return this;
    }

    private static String sized(Memory memory, Evex e) {
        if (memory.broadcast || e.memoryBytes == 4) {
            return "dword ptr " + memory;
        }
        String size = e.memoryBytes == 16 ? "xmm" : e.memoryBytes == 32 ? "ymm" : "zmm";
        return size + "word ptr " + memory;
    }

    private void evexMemory(Evex e, int opcode, int register, int first, Memory memory) {
        evexPrefix(e, register, first, memory.base.ordinal() >> 3, high(memory.index), memory.broadcast);
        put(opcode);
        modRm(register & 7, memory, memory.broadcast ? 4 : e.memoryBytes);
    }

    /** P0 to P2 of the prefix; the register extensions are stored inverted. */
    private void evexPrefix(Evex e, int register, int first, int b, int x, boolean broadcast) {
        int p0 = (~register >> 3 & 1) << 7 | (~x & 1) << 6 | (~b & 1) << 5 | (~register >> 4 & 1) << 4 | e.map;
        int p1 = (~first & 15) << 3 | 1 << 2 | e.prefix;
        int p2 = 2 << 5 | (broadcast ? 1 << 4 : 0) | (~first >> 4 & 1) << 3;
        put(0x62, p0, p1, p2);
    }

    private void vexMemory(int prefix, int opcode, int register, Memory memory) {
        int p0 = 1 << 7 | (~high(memory.index) & 1) << 6 | (~(memory.base.ordinal() >> 3) & 1) << 5 | MAP_0F38;
        put(0xC4, p0, 15 << 3 | prefix, opcode);
        modRm(register, memory, 1);
    }

    private static int high(Register index) {
        return index == null ? 0 : index.ordinal() >> 3;
    }

    private static int rex(int r, int x, int b) {
        return 0x48 | r << 2 | x << 1 | b;
    }

    /** ModRM, SIB and displacement; an 8-bit displacement counts in {@code unit} bytes. */
    private void modRm(int register, Memory memory, int unit) {
        int base = memory.base.ordinal() & 7;
        int displacement = memory.displacement;
        boolean none = displacement == 0 && base != 5;
        boolean small = displacement % unit == 0 && displacement / unit == (byte) (displacement / unit);
        int mode = none ? 0 : small ? 1 : 2;
        if (memory.index != null || base == 4) {
            int index = memory.index == null ? 4 : memory.index.ordinal() & 7;
            put(mode << 6 | register << 3 | 4);
            put(Integer.numberOfTrailingZeros(memory.scale) << 6 | index << 3 | base);
        } else {
            put(mode << 6 | register << 3 | base);
        }
        if (mode == 1) {
            putLittle(displacement / unit, 1);
        } else if (mode == 2) {
            putLittle(displacement, 4);
        }
    }

    private void put(int... bytes) {
        for (int each : bytes) {
            out.write(each);
        }
    }

    private void putLittle(int value, int bytes) {
        for (int i = 0; i < bytes; i++) {
            out.write(value >> 8 * i);
        }
    }
}
