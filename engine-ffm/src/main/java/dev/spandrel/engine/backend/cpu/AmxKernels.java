package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.Assembler.Register.R10;
import static dev.spandrel.engine.backend.cpu.Assembler.Register.R11;
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

import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.cpu.Assembler.Memory;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.function.LongSupplier;

/**
 * Intel's AMX tiles (SDM volume 1, chapter 18): 32 rows by the 64 outputs of a panel at a time, over the same panels as
 * {@link TileCode}, of which 16 steps are one tile of 16 × 64 bytes. The tile configuration is loaded and released inside
 * each call, so no tile state outlives it.
 *
 * <p>The encoding is held to GNU as. Results are held to plain loops wherever a processor has AMX, and on an emulated one by
 * bench/amx/run.sh; on a real one, and for speed, this has not been run yet, see docs/decisions/0190.
 */
final class AmxKernels {
    /** Rows of one call. */
    static final int ROWS = 32;
    /** Steps of one tile; panels are padded to a multiple of it. */
    static final int STEPS = 16;

    private static final long ARCH_PRCTL = 158;
    private static final long ARCH_REQ_XCOMP_PERM = 0x1023;
    private static final long XFEATURE_XTILEDATA = 18;

    private static final FunctionDescriptor SIGNATURE = FunctionDescriptor.ofVoid(
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);

    private static final String REFUSAL;
    private static final MethodHandle BF16;
    private static final MethodHandle BYTES;
    private static final MemorySegment CONFIGURATION = configuration();

    static {
        String refusal = refusal(MachineKernels.cpu(), AmxKernels::requestTiles);
        MachineCode code = null;
        Assembler to = new Assembler();
        multiply(to, "amx_bf16_", "tdpbf16ps");
        int bytes = to.align(64).size();
        multiply(to, "amx_bytes_", "tdpbsud");
        if (refusal == null) {
            try {
                code = MachineCode.map(to.bytes());
            } catch (MachineCode.Refused e) {
                refusal = e.getMessage();
            }
        }
        REFUSAL = refusal;
        BF16 = code == null ? null : code.function(0, SIGNATURE);
        BYTES = code == null ? null : code.function(bytes, SIGNATURE);
    }

    private AmxKernels() {}

    /** What a backend says of tiles: how it uses them, or why it cannot though the processor has them. */
    static String description(boolean used, int rows) {
        if (used) {
            return ", AMX from " + rows + (rows == 1 ? " row" : " rows");
        }
        boolean there = rows > 0 && REFUSAL != null && MachineKernels.cpu().has("amx_tile");
        return there ? ", no AMX: " + REFUSAL : "";
    }

    /** Why there are no tiles here; null when there are. */
    static String refusal() {
        return REFUSAL;
    }

    /**
     * The reason for a processor.
     *
     * @param request asks the kernel for tile state, which it saves at switches of threads only for who asked; 0 = granted
     */
    static String refusal(CpuFeatures cpu, LongSupplier request) {
        if (cpu.refusal() != null) {
            return cpu.refusal();
        }
        for (String flag : new String[] {"amx_tile", "amx_bf16", "amx_int8"}) {
            if (!cpu.has(flag)) {
                return "the processor has no " + flag;
            }
        }
        long answer = request.getAsLong();
        return answer == 0 ? null : "the kernel or the hypervisor refuses tile state (arch_prctl gave " + answer + ")";
    }

    private static long requestTiles() {
        return MachineCode.systemCall(ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA);
    }

    static boolean supports(WeightFormat format) {
        return REFUSAL == null && (format == WeightFormat.BF16 || format == WeightFormat.INT8);
    }

    /** Palette 1, eight tiles of 16 rows of 64 bytes. */
    private static MemorySegment configuration() {
        MemorySegment bytes = Arena.global().allocate(64, 64);
        bytes.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
        for (int tile = 0; tile < 8; tile++) {
            bytes.set(ValueLayout.JAVA_SHORT, 16 + 2L * tile, (short) 64);
            bytes.set(ValueLayout.JAVA_BYTE, 48 + tile, (byte) 16);
        }
        return bytes;
    }

    /**
     * Two by two tiles, twice for the two halves of a panel. Arguments: rdi configuration, rsi first row, rdx bytes from row
     * to row, rcx panel, r8 outputs, r9 bytes from output row to row, then on the stack the number of tiles along the steps
     * and the bytes of a step.
     */
    static void multiply(Assembler to, String name, String product) {
        to.push(RBX).push(RBP).loadTileConfiguration(Memory.at(RDI, 0)).load(RBX, Memory.at(RSP, 32));
        to.address(R10, Memory.at(RSI, RDX, 8, 0)).address(R10, Memory.at(R10, RDX, 8, 0));
        for (int half = 0; half < 2; half++) {
            int column = 128 * half;
            for (int tile = 0; tile < 4; tile++) {
                to.zeroTile(tile);
            }
            to.move(RDI, RSI).move(R11, R10).move(RAX, RCX).load(RBP, Memory.at(RSP, 24));
            to.label(name + half);
            to.loadTile(4, Memory.at(RDI, RDX, 1, 0)).loadTile(6, Memory.at(RAX, RBX, 1, column));
            to.loadTile(5, Memory.at(R11, RDX, 1, 0)).loadTile(7, Memory.at(RAX, RBX, 1, column + 64));
            to.multiplyTiles(product, 0, 4, 6).multiplyTiles(product, 1, 4, 7);
            to.multiplyTiles(product, 2, 5, 6).multiplyTiles(product, 3, 5, 7);
            to.add(RDI, 64).add(R11, 64).add(RAX, STEPS * PackedMatrix.STEP).decrement(RBP);
            to.jump("jne", name + half);
            to.address(RAX, Memory.at(R8, R9, 8, 0)).address(RAX, Memory.at(RAX, R9, 8, 0));
            to.storeTile(Memory.at(R8, R9, 1, column), 0).storeTile(Memory.at(R8, R9, 1, column + 64), 1);
            to.storeTile(Memory.at(RAX, R9, 1, column), 2).storeTile(Memory.at(RAX, R9, 1, column + 64), 3);
        }
        to.releaseTiles().pop(RBP).pop(RBX).ret();
    }

    /**
     * 32 rows against one panel.
     *
     * @param a address of the first row; rows {@code lda} bytes apart, all 32 of them readable
     * @param w address of the panel's steps
     * @param c address of F32, or ints for bytes; rows {@code ldc} bytes apart
     * @param steps a multiple of {@link #STEPS}
     */
    static void run(WeightFormat format, long a, long lda, long w, long c, long ldc, long steps) {
        long configuration = CONFIGURATION.address();
        try {
            if (format == WeightFormat.BF16) {
                BF16.invokeExact(configuration, a, lda, w, c, ldc, steps / STEPS, (long) PackedMatrix.STEP);
            } else {
                BYTES.invokeExact(configuration, a, lda, w, c, ldc, steps / STEPS, (long) PackedMatrix.STEP);
            }
        } catch (Throwable e) {
            throw new IllegalStateException("machine code cannot be called", e);
        }
    }
}
