package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.cuda.CudaDevice;

/**
 * A kernel that takes prompts in tiles, as it fits some heads, a cache and a device.
 *
 * @param rows of a tile: query heads of a kv head times tokens
 * @param chunk positions that keys come in; 0 where the kernel knows by itself
 * @param exact whether its rows have the bits of the kernel that splits the context
 */
record PromptForm(String file, String kernel, int rows, int chunk, int sharedBytes, boolean exact) {
    /** Rows of a tile on tensor cores, as in {@code prefill.cu}. */
    private static final int ROWS = 64;

    private static final int FIRST_WITH_BF16 = 8;

    /** Tiles of the other kernel; fewer rows where shared memory is small, as before sm_80. */
    private static final int[] EXACT_ROWS = {32, 16, 8};

    private static final int PIECE = Attention.PIECE;
    /** Columns of values that are loaded at once, as in {@code prefill_exact.cu}. */
    private static final int SLAB = 64;
    /** Threads that share the columns of a value. */
    private static final int TEAMS = 128;

    /** On tensor cores, or null where heads, cache or device do not allow it. */
    static PromptForm onTensorCores(HeadLayout heads, KvDType dtype, CudaDevice device) {
        int width = width(heads.headDim());
        boolean fits = dtype != KvDType.F32
                && device.major() >= FIRST_WITH_BF16
                && vectors(heads, dtype)
                && width > 0
                && group(heads) <= ROWS;
        // Queries, keys and values of a tile; rows are eight elements longer than they need to be.
        int shared = 2 * (ROWS + 2 * (width == 256 ? 32 : 64)) * (width + 8);
        return fits ? new PromptForm("prefill.cu", "prefill_" + width, ROWS, 0, shared, false) : null;
    }

    /** The kernel that a head fits into, or 0. */
    private static int width(int headDim) {
        return headDim <= 64 ? 64 : headDim <= 96 ? 96 : headDim <= 128 ? 128 : headDim <= 256 ? 256 : 0;
    }

    /** In F32, with as many rows as shared memory has room for, or null. */
    static PromptForm exact(HeadLayout heads, KvDType dtype, CudaDevice device) {
        int headDim = heads.headDim();
        if (!vectors(heads, dtype) || headDim / (16 / dtype.byteSize()) > TEAMS) {
            return null;
        }
        int chunk = headDim <= 128 ? 64 : headDim <= 256 ? 32 : 16;
        for (int rows : EXACT_ROWS) {
            // Queries and sums, scores, what is loaded, and six values for each row.
            int values =
                    2 * rows * headDim + PIECE * (rows + 4) + Math.max(chunk * (headDim + 4), PIECE * SLAB) + 6 * rows;
            if (4 * values <= device.sharedBytes() && group(heads) <= rows) {
                return new PromptForm("prefill_exact.cu", "prefill_exact", rows, chunk, 4 * values, true);
            }
        }
        return null;
    }

    private static boolean vectors(HeadLayout heads, KvDType dtype) {
        return heads.headDim() % (16 / dtype.byteSize()) == 0;
    }

    private static int group(HeadLayout heads) {
        return heads.heads() / heads.kvHeads();
    }
}
