package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.EnumMap;
import java.util.Map;

/** The listings of {@link PlaneCode}, mapped once for the process; as {@link MachineKernels} else. */
final class PlaneKernels {
    private static final FunctionDescriptor SIGNATURE = FunctionDescriptor.ofVoid(
            ValueLayout.JAVA_LONG,
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

    // For inputs of two bytes, then for those rounded to one.
    private static final MethodHandle Q4_1;
    private static final MethodHandle Q5_0;
    private static final MethodHandle Q5_1;
    private static final MethodHandle Q2_K;
    private static final MethodHandle Q3_K;
    private static final MethodHandle Q4_K;
    private static final MethodHandle Q5_K;
    private static final MethodHandle Q6_K;
    private static final MethodHandle Q4_1_BYTES;
    private static final MethodHandle Q5_0_BYTES;
    private static final MethodHandle Q5_1_BYTES;
    private static final MethodHandle Q2_K_BYTES;
    private static final MethodHandle Q3_K_BYTES;
    private static final MethodHandle Q4_K_BYTES;
    private static final MethodHandle Q5_K_BYTES;
    private static final MethodHandle Q6_K_BYTES;

    static {
        Assembler to = new Assembler();
        Map<WeightFormat, Integer> begins = write(to, 2);
        Map<WeightFormat, Integer> rounded = write(to, 1);
        MachineCode code = null;
        if (MachineKernels.refusal() == null && MachineKernels.cpu().has("avx512_vnni")) {
            try {
                code = MachineCode.map(to.bytes());
            } catch (MachineCode.Refused e) {
                // One mapping was granted just before; without this one the Vector API does the work.
                System.getLogger(PlaneKernels.class.getName())
                        .log(System.Logger.Level.WARNING, "no machine code for GGUF's blocks: " + e.getMessage());
            }
        }
        Q4_1 = function(code, begins.get(WeightFormat.Q4_1));
        Q4_1_BYTES = function(code, rounded.get(WeightFormat.Q4_1));
        Q5_0 = function(code, begins.get(WeightFormat.Q5_0));
        Q5_0_BYTES = function(code, rounded.get(WeightFormat.Q5_0));
        Q5_1 = function(code, begins.get(WeightFormat.Q5_1));
        Q5_1_BYTES = function(code, rounded.get(WeightFormat.Q5_1));
        Q2_K = function(code, begins.get(WeightFormat.Q2_K));
        Q2_K_BYTES = function(code, rounded.get(WeightFormat.Q2_K));
        Q3_K = function(code, begins.get(WeightFormat.Q3_K));
        Q3_K_BYTES = function(code, rounded.get(WeightFormat.Q3_K));
        Q4_K = function(code, begins.get(WeightFormat.Q4_K));
        Q4_K_BYTES = function(code, rounded.get(WeightFormat.Q4_K));
        Q5_K = function(code, begins.get(WeightFormat.Q5_K));
        Q5_K_BYTES = function(code, rounded.get(WeightFormat.Q5_K));
        Q6_K = function(code, begins.get(WeightFormat.Q6_K));
        Q6_K_BYTES = function(code, rounded.get(WeightFormat.Q6_K));
    }

    private PlaneKernels() {}

    /** Where the listing of each format begins. */
    private static Map<WeightFormat, Integer> write(Assembler to, int parts) {
        Map<WeightFormat, Integer> begins = new EnumMap<>(WeightFormat.class);
        for (WeightFormat format : WeightFormat.values()) {
            if (BlockLayout.of(format) != null) {
                begins.put(format, to.align(64).size());
                PlaneCode.multiply(to, format.name() + "_" + parts, BlockLayout.of(format), parts);
            }
        }
        return begins;
    }

    private static MethodHandle function(MachineCode code, int begin) {
        return code == null ? null : code.function(begin, SIGNATURE);
    }

    /** Whether there is code for a format here. */
    static boolean supports(WeightFormat format) {
        return BlockLayout.of(format) != null && Q4_K != null;
    }

    /**
     * Rows of 16-bit integers as two rows of bytes at address {@code a} against a panel; {@code c} lacks the rows' own scale.
     *
     * @param w address of the panel
     * @param next address of what this thread will multiply by afterwards, or {@code w}
     * @param c an array; first row's outputs {@code cAt} bytes behind its beginning, rows {@code ldc} bytes apart
     * @param withGroups address of what goes with the first row's groups, rows {@code ldg} bytes apart
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
            long rows,
            long withGroups,
            long ldg) {
        long ahead = next - w;
        try {
            switch (format) {
                case Q4_1 -> Q4_1.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q5_0 -> Q5_0.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q5_1 -> Q5_1.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q2_K -> Q2_K.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q3_K -> Q3_K.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q4_K -> Q4_K.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q5_K -> Q5_K.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q6_K -> Q6_K.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                default -> throw new IllegalArgumentException(format + " has no planes");
            }
        } catch (Throwable e) {
            throw new IllegalStateException("machine code cannot be called", e);
        }
    }

    /**
     * The same for rows of bytes under a scale per group; {@code c} lacks nothing.
     *
     * @param lda bytes from row to row
     */
    static void multiplyRounded(
            WeightFormat format,
            long a,
            long lda,
            long w,
            long next,
            MemorySegment c,
            long cAt,
            long ldc,
            long blocks,
            long rows,
            long withGroups,
            long ldg) {
        long ahead = next - w;
        try {
            switch (format) {
                case Q4_1 -> Q4_1_BYTES.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q5_0 -> Q5_0_BYTES.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q5_1 -> Q5_1_BYTES.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q2_K -> Q2_K_BYTES.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q3_K -> Q3_K_BYTES.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q4_K -> Q4_K_BYTES.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q5_K -> Q5_K_BYTES.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                case Q6_K -> Q6_K_BYTES.invokeExact(a, lda, w, c, ldc, blocks, rows, withGroups, ldg, cAt, ahead);
                default -> throw new IllegalArgumentException(format + " has no planes");
            }
        } catch (Throwable e) {
            throw new IllegalStateException("machine code cannot be called", e);
        }
    }
}
