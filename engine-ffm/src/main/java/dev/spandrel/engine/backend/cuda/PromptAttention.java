package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.cuda.CudaDevice;
import dev.spandrel.engine.cuda.CudaKernel;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Attention of prompts: which tokens of a pass are cut into tiles, by which kernel, and its launch. What it leaves, generated
 * tokens above all, is for the kernel that splits the context.
 */
final class PromptAttention {
    private static final int THREADS = 128;
    /** Fewer tokens of a sequence fill too little of a tile, and do not fill the device. */
    private static final int LEAST_TOKENS = 16;

    private static final int SHARED_BYTES = 48 << 10;

    private final CudaKernels kernels;
    private final CudaStream stream;
    private final CudaDevice device;
    private final boolean exact;
    private final Map<Integer, Cut> cuts = new HashMap<>();

    /** @param exact whether nothing may be rounded to 16 bits on the way */
    PromptAttention(CudaKernels kernels, CudaStream stream, CudaDevice device, boolean exact) {
        this.kernels = kernels;
        this.stream = stream;
        this.device = device;
        this.exact = exact;
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

    /** How the pass is cut, written to the device once per pass; null where no token goes into a tile. */
    Cut cut(AttentionMetadata metadata, HeadLayout heads, CudaKv kv, StepBlock block) {
        PromptForm form = form(heads, kv);
        if (form == null || metadata.tokenCount() == metadata.sequenceCount()) {
            return null;
        }
        int perTile = form.rows() / (heads.heads() / heads.kvHeads());
        Cut cut = cuts.computeIfAbsent(perTile, _ -> new Cut());
        if (block.find(cut.tiles) == 0) {
            cut(metadata, perTile, cut);
            if (worthIt(form, cut, heads)) {
                cut.restAt = cut.restCount == 0 ? 0 : block.ints(cut.rest, cut.rest, cut.restCount, 0, 0);
                cut.tilesAt = block.ints(cut.tiles, cut.tiles, 2 * cut.tileCount, 0, 0);
            }
        }
        return worthIt(form, cut, heads) ? cut : null;
    }

    private PromptForm form(HeadLayout heads, CudaKv kv) {
        PromptForm onTensorCores = exact ? null : PromptForm.onTensorCores(heads, kv.dtype(), device);
        return onTensorCores != null ? onTensorCores : PromptForm.exact(heads, kv.dtype(), device);
    }

    /**
     * Tiles that leave half of the device idle take longer than many small blocks over the pieces of a context. Where bits are
     * the same either way, that decides.
     */
    private boolean worthIt(PromptForm form, Cut cut, HeadLayout heads) {
        return cut.tileCount > 0 && (!form.exact() || 2L * cut.tileCount * heads.kvHeads() >= device.multiprocessors());
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
        PromptForm form = form(heads, kv);
        CudaKernel kernel = kernels.of(kv.dtype(), form.file(), form.kernel());
        if (form.sharedBytes() > SHARED_BYTES) {
            kernel.allowSharedBytes(form.sharedBytes());
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
                .address(cut.tilesAt);
        if (form.exact()) {
            kernel.with(form.rows()).with(form.chunk());
        }
        kernel.with(out).launch(stream, cut.tileCount, heads.kvHeads(), 1, THREADS, form.sharedBytes());
    }
}
