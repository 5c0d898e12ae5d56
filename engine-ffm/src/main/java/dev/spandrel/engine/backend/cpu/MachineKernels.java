package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The listings of {@link TileCode}, mapped once for the process, with what this processor can run of them. Handles are
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
            ValueLayout.JAVA_LONG);

    private static final CpuFeatures CPU =
            CpuFeatures.detect(System.getProperty("os.name"), System.getProperty("os.arch"));

    /** Values of a position that attention has code for. */
    private static final int[] WIDTHS = {64, 128, 256};

    /** Where each function begins. */
    private record Listing(
            byte[] code, int f32, int f16, int bf16, int bytes, int q8, int q4, int[] scores, int[] weighted) {
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
            String[] loads = {"vmovups", "vcvtph2ps"};
            int[] scores = new int[loads.length];
            int[] weighted = new int[loads.length * WIDTHS.length];
            for (int i = 0; i < loads.length; i++) {
                scores[i] = to.align(64).size();
                TileCode.scores(to, "scores" + i + "_", loads[i]);
                for (int w = 0; w < WIDTHS.length; w++) {
                    weighted[i * WIDTHS.length + w] = to.align(64).size();
                    TileCode.weighted(to, "weighted" + i + "_" + w + "_", loads[i], WIDTHS[w]);
                }
            }
            return new Listing(to.bytes(), f32, f16, bf16, bytes, q8, q4, scores, weighted);
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
    private static final MethodHandle WEIGHTED_64;
    private static final MethodHandle WEIGHTED_128;
    private static final MethodHandle WEIGHTED_256;
    private static final MethodHandle WEIGHTED_F16_64;
    private static final MethodHandle WEIGHTED_F16_128;
    private static final MethodHandle WEIGHTED_F16_256;

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
        SCORES = code == null ? null : code.function(listing.scores[0], PLAIN);
        SCORES_F16 = code == null ? null : code.function(listing.scores[1], PLAIN);
        WEIGHTED_64 = code == null ? null : code.function(listing.weighted[0], PLAIN);
        WEIGHTED_128 = code == null ? null : code.function(listing.weighted[1], PLAIN);
        WEIGHTED_256 = code == null ? null : code.function(listing.weighted[2], PLAIN);
        WEIGHTED_F16_64 = code == null ? null : code.function(listing.weighted[3], PLAIN);
        WEIGHTED_F16_128 = code == null ? null : code.function(listing.weighted[4], PLAIN);
        WEIGHTED_F16_256 = code == null ? null : code.function(listing.weighted[5], PLAIN);
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
        return BF16 != null && BYTES != null
                ? "AVX-512 with BF16 and VNNI"
                : BYTES != null ? "AVX-512 with VNNI" : "AVX-512";
    }

    /** Whether there is code for attention over blocks of 16 keys and values as wide as that. */
    static boolean attends(int blockSize, int paddedDim) {
        return SCORES != null && blockSize == 16 && (paddedDim == 64 || paddedDim == 128 || paddedDim == 256);
    }

    /**
     * Queries, unscaled, against the 16 keys of a block.
     *
     * @param half whether keys are F16, else F32
     * @param q an array; the first query lies {@code qAt} bytes behind its beginning, queries {@code ldq} bytes apart
     * @param keys address of the block, headDim × 16
     * @param next address of the block that will be read next, of keys or of values
     * @param scores an array; first query's score of the first key at {@code sAt}, queries {@code lds} bytes apart
     */
    static void scores(
            boolean half,
            MemorySegment q,
            long qAt,
            long ldq,
            long keys,
            long next,
            MemorySegment scores,
            long sAt,
            long lds,
            long headDim,
            long rows) {
        try {
            if (half) {
                SCORES_F16.invokeExact(q, ldq, keys, scores, lds, headDim, rows, qAt, sAt, next - keys);
            } else {
                SCORES.invokeExact(q, ldq, keys, scores, lds, headDim, rows, qAt, sAt, next - keys);
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
     * @param values address of the first position's columns, positions {@code paddedDim} values apart
     * @param next address of those of the block that will be read next, or of keys
     * @param out an array; first row's sums at {@code oAt}, rows {@code ldo} bytes apart
     */
    static void weigh(
            boolean half,
            int paddedDim,
            MemorySegment weights,
            long wAt,
            long ldw,
            long values,
            long next,
            MemorySegment out,
            long oAt,
            long ldo,
            long positions,
            long rows) {
        long ahead = next - values;
        try {
            switch (half ? -paddedDim : paddedDim) {
                case 64 -> WEIGHTED_64.invokeExact(weights, ldw, values, out, ldo, positions, rows, wAt, oAt, ahead);
                case 128 -> WEIGHTED_128.invokeExact(weights, ldw, values, out, ldo, positions, rows, wAt, oAt, ahead);
                case 256 -> WEIGHTED_256.invokeExact(weights, ldw, values, out, ldo, positions, rows, wAt, oAt, ahead);
                case -64 ->
                    WEIGHTED_F16_64.invokeExact(weights, ldw, values, out, ldo, positions, rows, wAt, oAt, ahead);
                case -128 ->
                    WEIGHTED_F16_128.invokeExact(weights, ldw, values, out, ldo, positions, rows, wAt, oAt, ahead);
                case -256 ->
                    WEIGHTED_F16_256.invokeExact(weights, ldw, values, out, ldo, positions, rows, wAt, oAt, ahead);
                default -> throw new IllegalArgumentException("no code for " + paddedDim + " values a position");
            }
        } catch (IllegalArgumentException e) {
            throw e;
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

    /** Pairs of rows of signed bytes at address {@code a} against a panel of blocks; {@code c} lacks the rows' own scale. */
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
            long sums) {
        try {
            if (format == WeightFormat.Q8_0) {
                Q8.invokeExact(a, lda, w, c, ldc, blocks, rows, sums, NIBBLES, cAt);
            } else {
                Q4.invokeExact(a, lda, w, c, ldc, blocks, rows, sums, NIBBLES, cAt);
            }
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
    }

    private static IllegalStateException cannotBeCalled(Throwable cause) {
        return new IllegalStateException("machine code cannot be called", cause);
    }
}
