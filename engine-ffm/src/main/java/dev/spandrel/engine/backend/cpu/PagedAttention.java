package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.TILE_COLUMNS;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.HeadLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One layer's attention over one step, cut into tiles: up to six tokens that stand side by side in one sequence share each
 * read of its keys and values, in one head. Rows of a tile have the bits they would have alone. A tile is one task; it
 * touches only its own rows of the output.
 */
final class PagedAttention {
    /** Queries of a tile: as many as leave room in the registers for the four value vectors; see MatMulKernels. */
    static final int TILE = LANES >= 16 ? 6 : 1;

    /** What one worker needs beside registers. */
    static final class Scratch {
        private float[] scores = new float[TILE * 1024];
        private float[] sums = new float[TILE * 256];
        private final float[] totals = new float[TILE];
        private final float[] lanes = new float[LANES];
        private MemorySegment block = MemorySegment.NULL;

        /** Room for one block, widened; off the heap like the cache itself, so that kernels see one kind of memory. */
        void reserve(Arena arena, long bytes) {
            if (block.byteSize() < bytes) {
                block = arena.allocate(bytes, VectorConstants.ALIGNMENT);
            }
        }

        /** Room for the scores of a tile; grows to the longest sequence and stays. */
        void reserve(int positions, int width) {
            if (scores.length < TILE * positions) {
                scores = new float[TILE * Math.max(positions, 2 * scores.length / TILE)];
            }
            if (sums.length < TILE * width) {
                sums = new float[TILE * width];
            }
        }
    }

    private final float[] qkv;
    private final HeadLayout heads;
    private final AttentionMetadata metadata;
    private final PagedKv kv;
    private final AttentionRule rule;
    private final float[] out;
    private final int[] tiles;
    private final int tileCount;
    private final int longest;
    private final long work;

    /**
     * @param qkv tokens × heads.columns
     * @param tiles scratch for the cuts, at least one more than tokens
     * @param out tokens × heads.queryColumns
     */
    PagedAttention(
            float[] qkv,
            HeadLayout heads,
            AttentionMetadata metadata,
            PagedKv kv,
            AttentionRule rule,
            float[] out,
            int[] tiles) {
        this.qkv = qkv;
        this.heads = heads;
        this.metadata = metadata;
        this.kv = kv;
        this.rule = rule;
        this.out = out;
        this.tiles = tiles;
        int count = 0;
        int most = 0;
        long positions = 0;
        for (int t = 0; t < metadata.tokenCount(); t++) {
            if (t == 0 || t - tiles[count - 1] == TILE || metadata.blockTable(t) != metadata.blockTable(t - 1)) {
                tiles[count++] = t;
            }
            most = Math.max(most, metadata.position(t) + 1);
            positions += metadata.position(t) + 1 - rule.first(metadata.position(t));
        }
        tiles[count] = metadata.tokenCount();
        tileCount = count;
        longest = most;
        work = positions * heads.queryColumns() * 2;
    }

    /** Tasks to run, in any order, on any worker. */
    int tasks() {
        return tileCount * heads.heads();
    }

    /** Multiply-adds in all. */
    long work() {
        return work;
    }

    /** Positions that scratch must hold: those of whole blocks, and a vector beyond. */
    int positions() {
        return (longest / kv.blockSize() + 1) * kv.blockSize() + LANES;
    }

    /** Computes one tile in one head: softmax(q·Kᵀ × scale) × V, each row over the positions it sees. */
    void run(int task, Scratch scratch) {
        int first = tiles[task / heads.heads()];
        int rows = tiles[task / heads.heads() + 1] - first;
        int head = task % heads.heads();
        int stride = scratch.scores.length / TILE;
        int padded = kv.paddedDim();
        Arrays.fill(scratch.sums, 0, rows * padded, 0);
        score(first, rows, head, scratch, stride);
        for (int r = 0; r < rows; r++) {
            scratch.totals[r] = softmax(first + r, scratch, r * stride);
        }
        weigh(first, rows, head, scratch, stride);
        for (int r = 0; r < rows; r++) {
            int to = (first + r) * heads.queryColumns() + head * heads.headDim();
            for (int d = 0; d < heads.headDim(); d++) {
                out[to + d] = scratch.sums[r * padded + d] / scratch.totals[r];
            }
        }
    }

    /** From the row's own first block on, whatever its tile: so its sum runs over the same lanes alone and beside others. */
    private float softmax(int token, Scratch scratch, int at) {
        int begin = begin(token);
        int from = begin - begin % kv.blockSize();
        if (rule.softCap() != 0) {
            ActivationKernels.softCap(scratch.scores, at + begin, at + seen(token), rule.softCap());
        }
        Arrays.fill(scratch.scores, at + from, at + begin, Float.NEGATIVE_INFINITY);
        return AttentionKernels.softmax(scratch.scores, at + from, seen(token) - from, scratch.lanes);
    }

    /** Scores all positions that a row of the tile sees; what another does not see, softmax leaves out. */
    private void score(int first, int rows, int head, Scratch scratch, int stride) {
        int kvHead = heads.kvHead(head);
        int dim = heads.headDim();
        int query = first * heads.columns() + head * dim;
        int blockSize = kv.blockSize();
        int[] table = metadata.blockTable(first);
        for (int p = begin(first) / blockSize * blockSize; p < seen(first + rows - 1); p += blockSize) {
            int block = table[p / blockSize];
            MemorySegment keys = kv.keys(block, kvHead, scratch.block);
            long keysAt = kv.keysAt(block, kvHead);
            if (rows == 6) {
                AttentionKernels.scoreBlock6(
                        qkv,
                        query,
                        heads.columns(),
                        dim,
                        keys,
                        keysAt,
                        blockSize,
                        rule.scale(),
                        scratch.scores,
                        p,
                        stride);
                continue;
            }
            for (int r = 0; r < rows; r++) {
                AttentionKernels.scoreBlock(
                        qkv,
                        query + r * heads.columns(),
                        dim,
                        keys,
                        keysAt,
                        blockSize,
                        rule.scale(),
                        scratch.scores,
                        r * stride + p);
            }
        }
    }

    /**
     * Sums the values of each row's positions. Blocks that all rows see whole are read once for all; the last ones row by
     * row, since what lies behind a row's own position is somebody else's or nobody's, and nothing times NaN is NaN.
     */
    private void weigh(int first, int rows, int head, Scratch scratch, int stride) {
        int kvHead = heads.kvHead(head);
        int blockSize = kv.blockSize();
        int padded = kv.paddedDim();
        int[] table = metadata.blockTable(first);
        for (int p = begin(first) / blockSize * blockSize; p < seen(first + rows - 1); p += blockSize) {
            int block = table[p / blockSize];
            int most = Math.min(blockSize, seen(first + rows - 1) - p);
            MemorySegment values = kv.values(block, kvHead, most, scratch.block);
            long valuesAt = kv.valuesAt(block, kvHead);
            if (rows == 6
                    && p + blockSize <= seen(first)
                    && p >= begin(first + rows - 1)
                    && padded % TILE_COLUMNS == 0) {
                for (int d = 0; d < padded; d += TILE_COLUMNS) {
                    AttentionKernels.weighBlock6x4(
                            scratch.scores,
                            p,
                            stride,
                            blockSize,
                            values,
                            valuesAt + d * 4L,
                            padded * 4L,
                            scratch.sums,
                            d,
                            padded);
                }
                continue;
            }
            for (int r = 0; r < rows; r++) {
                int skip = Math.max(0, begin(first + r) - p);
                int count = Math.min(blockSize, seen(first + r) - p) - skip;
                if (count > 0) {
                    long at = valuesAt + skip * padded * 4L;
                    weighRow(scratch, r * stride + p + skip, count, values, at, r * padded);
                }
            }
        }
    }

    private void weighRow(Scratch scratch, int weight, int count, MemorySegment values, long valuesAt, int sum) {
        int padded = kv.paddedDim();
        int d = 0;
        for (; d + TILE_COLUMNS <= padded; d += TILE_COLUMNS) {
            AttentionKernels.weighBlock4(
                    scratch.scores, weight, count, values, valuesAt + d * 4L, padded * 4L, scratch.sums, sum + d);
        }
        for (; d < padded; d += LANES) {
            AttentionKernels.weighBlock1(
                    scratch.scores, weight, count, values, valuesAt + d * 4L, padded * 4L, scratch.sums, sum + d);
        }
    }

    private int begin(int token) {
        return rule.first(metadata.position(token));
    }

    private int seen(int token) {
        return metadata.position(token) + 1;
    }
}
