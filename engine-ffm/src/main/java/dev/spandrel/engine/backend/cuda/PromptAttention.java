package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.cuda.CudaDevice;
import dev.spandrel.engine.cuda.CudaKernel;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Attention of prompts on tensor cores: which tokens of a pass it takes, cut into tiles, and its launch. What it leaves,
 * generated tokens above all, is for the kernel that splits the context.
 */
final class PromptAttention {
    /** Rows of a tile, as in {@code prefill.cu}. */
    private static final int ROWS = 64;

    private static final int THREADS = 128;
    /** Fewer tokens of a sequence fill too little of a tile, and do not fill the device. */
    private static final int LEAST_TOKENS = 16;

    private static final int FIRST_WITH_BF16 = 8;
    private static final int SHARED_BYTES = 48 << 10;

    private final CudaKernels kernels;
    private final CudaStream stream;
    private final boolean able;
    private final Map<Integer, Cut> cuts = new HashMap<>();

    /** @param exact whether nothing may be rounded to 16 bits on the way */
    PromptAttention(CudaKernels kernels, CudaStream stream, CudaDevice device, boolean exact) {
        this.kernels = kernels;
        this.stream = stream;
        able = !exact && device.major() >= FIRST_WITH_BF16;
    }

    /** A pass's tokens by who handles them, and where that is written on the device. */
    static final class Cut {
        private int[] tiles = new int[64];
        private int tileCount;
        private int[] rest = new int[64];
        private int restCount;
        private long tilesAt;
        private long restAt;

        private void tile(int first, int tokens) {
            tiles = tiles.length < 2 * tileCount + 2 ? Arrays.copyOf(tiles, 2 * tiles.length) : tiles;
            tiles[2 * tileCount] = first;
            tiles[2 * tileCount++ + 1] = tokens;
        }

        private void rest(int token) {
            rest = rest.length == restCount ? Arrays.copyOf(rest, 2 * restCount) : rest;
            rest[restCount++] = token;
        }

        /** Tokens for the other kernel. */
        int restCount() {
            return restCount;
        }

        /** Device address of their indices. */
        long restAt() {
            return restAt;
        }
    }

    /** How the pass is cut, written to the device once per pass; null where no token is for tensor cores. */
    Cut cut(AttentionMetadata metadata, HeadLayout heads, CudaKv kv, StepBlock block) {
        int group = heads.heads() / heads.kvHeads();
        boolean fits = kv.dtype() != KvDType.F32
                && heads.headDim() % (16 / kv.dtype().byteSize()) == 0
                && width(heads.headDim()) > 0
                && group <= ROWS;
        if (!able || !fits || metadata.tokenCount() == metadata.sequenceCount()) {
            return null;
        }
        Cut cut = cuts.computeIfAbsent(group, _ -> new Cut());
        if (block.find(cut.tiles) == 0) {
            cut(metadata, ROWS / group, cut);
            if (cut.tileCount > 0) {
                cut.restAt = cut.restCount == 0 ? 0 : block.ints(cut.rest, cut.rest, cut.restCount, 0, 0);
                cut.tilesAt = block.ints(cut.tiles, cut.tiles, 2 * cut.tileCount, 0, 0);
            }
        }
        return cut.tileCount == 0 ? null : cut;
    }

    private static void cut(AttentionMetadata metadata, int perTile, Cut cut) {
        cut.tileCount = 0;
        cut.restCount = 0;
        int count = metadata.tokenCount();
        int first = 0;
        while (first < count) {
            int end = first + 1;
            while (end < count && metadata.sequenceOf(end) == metadata.sequenceOf(first)) {
                end++;
            }
            boolean enough = end - first >= LEAST_TOKENS;
            for (int t = first; t < end; t += enough ? perTile : 1) {
                if (enough) {
                    cut.tile(t, Math.min(perTile, end - t));
                } else {
                    cut.rest(t);
                }
            }
            first = end;
        }
    }

    void attend(
            CudaMemory qkv,
            HeadLayout heads,
            Attention.Placed placed,
            Cut cut,
            CudaKv kv,
            AttentionRule rule,
            CudaMemory out) {
        int width = width(heads.headDim());
        CudaKernel kernel = kernels.of(kv.dtype(), "prefill.cu", "prefill_" + width);
        // Queries, keys and values of a tile; rows are eight elements longer than they need to be.
        int shared = 2 * (ROWS + 2 * (width == 256 ? 32 : 64)) * (width + 8);
        if (shared > SHARED_BYTES) {
            kernel.allowSharedBytes(shared);
        }
        kernel.with(qkv)
                .with(heads.heads())
                .with(heads.kvHeads())
                .with(heads.headDim())
                .address(placed.positions())
                .address(placed.sequences())
                .address(placed.tables())
                .with(placed.tableStride())
                .with(kv.blockSize())
                .with(kv.keys())
                .with(kv.values())
                .address(Attention.address(kv.keyScales()))
                .address(Attention.address(kv.valueScales()))
                .with(rule.scale())
                .with(rule.window())
                .with(rule.softCap())
                .address(cut.tilesAt)
                .with(out)
                .launch(stream, cut.tileCount, heads.kvHeads(), 1, THREADS, shared);
    }

    /** The kernel that a head fits into, or 0. */
    private static int width(int headDim) {
        return headDim <= 64 ? 64 : headDim <= 96 ? 96 : headDim <= 128 ? 128 : headDim <= 256 ? 256 : 0;
    }
}
