package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The listings of {@link ByteTileCode}, mapped once for the process where the processor has VNNI and vectors are 512 bits wide. On
 * a processor with AMX they are used too: a tile product there sums 64 inputs, which have two scales.
 */
final class ByteKernels {
    private static final long NIBBLES = 0x0F0F0F0FL;

    private static final FunctionDescriptor SIGNATURE = FunctionDescriptor.ofVoid(
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);

    private static final MethodHandle INT8;
    private static final MethodHandle Q8;
    private static final MethodHandle Q4;

    static {
        Assembler to = new Assembler();
        ByteTileCode.write(to, "int8_", WeightFormat.INT8);
        int q8 = to.align(64).size();
        ByteTileCode.write(to, "q8_", WeightFormat.Q8_0);
        int q4 = to.align(64).size();
        ByteTileCode.write(to, "q4_", WeightFormat.Q4_0);
        MachineCode code = null;
        if (MachineKernels.refusal() == null
                && MachineKernels.cpu().has("avx512_vnni")
                && VectorConstants.LANES == 16) {
            try {
                code = MachineCode.map(to.bytes());
            } catch (MachineCode.Refused e) {
                throw new IllegalStateException("code was mapped before, and now: " + e.getMessage(), e);
            }
        }
        INT8 = code == null ? null : code.function(0, SIGNATURE);
        Q8 = code == null ? null : code.function(q8, SIGNATURE);
        Q4 = code == null ? null : code.function(q4, SIGNATURE);
    }

    private ByteKernels() {}

    /** Whether rows of bytes meet a format by code here; else they are rounded by the plain loop and multiplied as F32. */
    static boolean run(WeightFormat format) {
        return INT8 != null && (BlockLayout.of(format) == null || PlaneKernels.supports(format));
    }

    /**
     * Rows of {@link ByteActivations} at address {@code a} against a panel, to an array.
     *
     * @param next address of the panel that this thread will multiply by afterwards, or {@code w}
     * @param cAt bytes from the array's beginning; rows {@code ldc} bytes apart
     */
    static void multiply(
            WeightFormat format,
            long a,
            long lda,
            long w,
            long next,
            MemorySegment c,
            long cAt,
            long ldc,
            long blocks,
            long rows) {
        MemorySegment none = MemorySegment.NULL;
        try {
            switch (format) {
                case INT8 -> INT8.invokeExact(none, lda, w, c, ldc, blocks, rows, a, cAt, next - w, NIBBLES);
                case Q8_0 -> Q8.invokeExact(none, lda, w, c, ldc, blocks, rows, a, cAt, next - w, NIBBLES);
                default -> Q4.invokeExact(none, lda, w, c, ldc, blocks, rows, a, cAt, next - w, NIBBLES);
            }
        } catch (Throwable e) {
            throw new IllegalStateException("machine code cannot be called", e);
        }
    }
}
