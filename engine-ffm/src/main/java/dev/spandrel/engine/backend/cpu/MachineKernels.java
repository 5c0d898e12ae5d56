package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The listings of {@link TileCode} and {@link AttentionCode}, mapped once for the process, with what this processor can run of them. Handles are
 * static and final, since only then the JIT compiles a call down to a few instructions.
 */
final class MachineKernels {
    /** Bytes of four nibbles' places. */
    private static final long NIBBLES = 0x0F0F0F0FL;

    private static final FunctionDescriptor PLAIN = FunctionDescriptor.ofVoid(
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);

    private static final FunctionDescriptor LISTED = FunctionDescriptor.ofVoid(
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.ADDRESS,
            ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);

    private static final FunctionDescriptor BLOCKED = FunctionDescriptor.ofVoid(
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

    private static final CpuFeatures CPU =
            CpuFeatures.detect(System.getProperty("os.name"), System.getProperty("os.arch"));

    /** Where each function begins. */
    private record Listing(
            byte[] code,
            int f32,
            int f16,
            int bf16,
            int bytes,
            int q8,
            int q4,
            int scores,
            int scoresHalf,
            int weighted,
            int weightedHalf) {
        static Listing write() {
            Assembler to = new Assembler();
            to.align(64);
            int f32 = to.size();
            TileCode.plain(to, "f32_", "vfmadd231ps");
            int f16 = to.align(64).size();
            TileCode.half(to, "f16_");
            int bf16 = to.align(64).size();
            TileCode.plain(to, "bf16_", "vdpbf16ps");
            int bytes = to.align(64).size();
            TileCode.plain(to, "bytes_", "vpdpbusd");
            int q8 = to.align(64).size();
            TileCode.blocked(to, "q8_", false);
            int q4 = to.align(64).size();
            TileCode.blocked(to, "q4_", true);
            int scores = to.align(64).size();
            AttentionCode.scores(to, "scores_", "vmovups");
            int scoresHalf = to.align(64).size();
            AttentionCode.scores(to, "scores16_", "vcvtph2ps");
            int weighted = to.align(64).size();
            AttentionCode.weighted(to, "weighted_", "vmovups");
            int weightedHalf = to.align(64).size();
            AttentionCode.weighted(to, "weighted16_", "vcvtph2ps");
            return new Listing(to.bytes(), f32, f16, bf16, bytes, q8, q4, scores, scoresHalf, weighted, weightedHalf);
        }
    }

    private static final String REFUSAL;
    private static final MethodHandle F32;
    private static final MethodHandle F16;
    private static final MethodHandle BF16;
    private static final MethodHandle BYTES;
    private static final MethodHandle Q8;
    private static final MethodHandle Q4;
    private static final MethodHandle SCORES;
    private static final MethodHandle SCORES_F16;
    private static final MethodHandle WEIGHTED;
    private static final MethodHandle WEIGHTED_F16;

    static {
        String refusal = CPU.refusal();
        if (refusal == null && !CPU.has("avx512f")) {
            refusal = "the processor has no AVX-512";
        }
        Listing listing = Listing.write();
        MachineCode code = null;
        if (refusal == null) {
            try {
                code = MachineCode.map(listing.code);
            } catch (MachineCode.Refused e) {
                refusal = e.getMessage();
            }
        }
        REFUSAL = refusal;
        SCORES = code == null ? null : code.function(listing.scores, LISTED);
        SCORES_F16 = code == null ? null : code.function(listing.scoresHalf, LISTED);
        WEIGHTED = code == null ? null : code.function(listing.weighted, LISTED);
        WEIGHTED_F16 = code == null ? null : code.function(listing.weightedHalf, LISTED);
        F32 = code == null ? null : code.function(listing.f32, PLAIN);
        F16 = code == null ? null : code.function(listing.f16, PLAIN);
        BF16 = code == null || !CPU.has("avx512_bf16") ? null : code.function(listing.bf16, PLAIN);
        boolean vnni = code != null && CPU.has("avx512_vnni");
        BYTES = vnni ? code.function(listing.bytes, PLAIN) : null;
        Q8 = vnni ? code.function(listing.q8, BLOCKED) : null;
        Q4 = vnni ? code.function(listing.q4, BLOCKED) : null;
    }

    private MachineKernels() {}

    /** Why nothing of it runs here; null when it does. */
    static String refusal() {
        return REFUSAL;
    }

    static CpuFeatures cpu() {
        return CPU;
    }

    /** Whether there is code for a format here. */
    static boolean supports(WeightFormat format) {
        return switch (format) {
            case F32 -> F32 != null;
            case F16 -> F16 != null;
            // On Intel's AVX-512 vdpbf16ps runs at half the pace of F32's multiply-add (107 against 212 GFLOP/s).
            case BF16 -> BF16 != null && CPU.isAmd();
            case INT8 -> BYTES != null;
            case Q8_0 -> Q8 != null;
            case Q4_0 -> Q4 != null;
            default -> false;
        };
    }

    /** Names of the instructions in use, for people. */
    static String description() {
        return supports(WeightFormat.BF16) && BYTES != null
                ? "AVX-512 with BF16 and VNNI"
                : BYTES != null ? "AVX-512 with VNNI" : "AVX-512";
    }

    /** Whether there is code for attention over blocks of so many keys and values as wide as that. */
    static boolean attends(int blockSize, int paddedDim) {
        return SCORES != null && blockSize == AttentionCode.BLOCK && paddedDim % VectorConstants.PANEL == 0;
    }

    /**
     * Queries, unscaled, against the keys of a list of blocks.
     *
     * @param half whether keys are F16, else F32
     * @param q an array; the first query lies {@code qAt} bytes behind its beginning, queries {@code ldq} bytes apart
     * @param list an array of longs as {@link AttentionCode} has it, of {@code blocks} blocks
     * @param scores an array; first query's score of the first key at {@code sAt}, queries {@code lds} bytes apart
     * @param rows queries, 1 to {@link AttentionCode#MOST_ROWS}
     */
    static void scores(
            boolean half,
            MemorySegment q,
            long qAt,
            long ldq,
            MemorySegment list,
            MemorySegment scores,
            long sAt,
            long lds,
            long headDim,
            long rows,
            long blocks) {
        try {
            if (half) {
                SCORES_F16.invokeExact(q, ldq, list, scores, lds, headDim, rows, qAt, sAt, blocks);
            } else {
                SCORES.invokeExact(q, ldq, list, scores, lds, headDim, rows, qAt, sAt, blocks);
            }
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
    }

    /**
     * Adds weighted values, 64 columns of them.
     *
     * @param half whether values are F16, else F32
     * @param weights an array; first row's weight of the first position at {@code wAt}, rows {@code ldw} bytes apart
     * @param list an array of longs as {@link AttentionCode} has it; the first address is that of the first position
     * @param out an array; first row's sums at {@code oAt}, rows {@code ldo} bytes apart
     * @param positions at least 1
     * @param inFirst how many of them the first block has, at most all
     */
    static void weigh(
            boolean half,
            MemorySegment weights,
            long wAt,
            long ldw,
            MemorySegment list,
            MemorySegment out,
            long oAt,
            long ldo,
            long positions,
            long rows,
            long inFirst) {
        try {
            if (half) {
                WEIGHTED_F16.invokeExact(weights, ldw, list, out, ldo, positions, rows, wAt, oAt, inFirst);
            } else {
                WEIGHTED.invokeExact(weights, ldw, list, out, ldo, positions, rows, wAt, oAt, inFirst);
            }
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
    }

    /**
     * Rows against a panel of F32 or F16 (rows of F32), BF16 (rows of BF16) or bytes (rows of signed bytes; c takes ints).
     *
     * @param a an array, or {@code NULL} and an address for {@code aAt}; rows {@code lda} bytes apart
     * @param w address of the panel's steps
     * @param next address of what this thread will multiply by afterwards, or {@code w}
     * @param c an array, or {@code NULL} and an address for {@code cAt}; rows {@code ldc} bytes apart
     */
    static void multiply(
            WeightFormat format,
            MemorySegment a,
            long aAt,
            long lda,
            long w,
            long next,
            MemorySegment c,
            long cAt,
            long ldc,
            long steps,
            long rows) {
        try {
            switch (format) {
                case F32 -> F32.invokeExact(a, lda, w, c, ldc, steps, rows, aAt, cAt, next - w);
                case F16 -> F16.invokeExact(a, lda, w, c, ldc, steps, rows, aAt, cAt, next - w);
                case BF16 -> BF16.invokeExact(a, lda, w, c, ldc, steps, rows, aAt, cAt, next - w);
                default -> BYTES.invokeExact(a, lda, w, c, ldc, steps, rows, aAt, cAt, next - w);
            }
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
    }

    /**
     * Pairs of rows of signed bytes at address {@code a} against a panel of blocks; {@code c} lacks the rows' own scale.
     *
     * @param next address of what this thread will multiply by afterwards, or {@code w}
     */
    static void blocks(
            WeightFormat format,
            long a,
            long lda,
            long w,
            MemorySegment c,
            long cAt,
            long ldc,
            long blocks,
            long rows,
            long sums,
            long next) {
        try {
            if (format == WeightFormat.Q8_0) {
                Q8.invokeExact(a, lda, w, c, ldc, blocks, rows, sums, NIBBLES, cAt, next - w);
            } else {
                Q4.invokeExact(a, lda, w, c, ldc, blocks, rows, sums, NIBBLES, cAt, next - w);
            }
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
    }

    private static IllegalStateException cannotBeCalled(Throwable cause) {
        return new IllegalStateException("machine code cannot be called", cause);
    }
}
