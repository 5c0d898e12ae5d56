package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.TILE_COLUMNS;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.HostBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One layer's attention over one step, cut into tiles: up to six tokens that stand side by side in one sequence share each
 * read of its keys and values, in one head; where a step has one token of each sequence, the heads that read the same keys
 * share it instead. Rows of a tile have the bits they would have alone. A tile is one task; it touches only its own rows of
 * the output. One object serves all steps, so that none allocates.
 */
final class PagedAttention implements Workers.Task {
    /** Queries of a tile: as many as leave room in the registers for the four value vectors; see MatMulKernels. */
    static final int TILE = LANES >= 16 ? 6 : 1;
    /** Tasks per worker, where a task is some tokens, so that one which comes late does not hold up the others. */
    private static final int PIECES = 8;
    /** What one worker needs beside registers. */
    static final class Scratch {
        final MachineAttention.Scratch machine = new MachineAttention.Scratch();
        private float[] scores = new float[TILE * 1024];
        MemorySegment scoreSegment = MemorySegment.ofArray(scores);
        private float[] sums = new float[TILE * 256];
        MemorySegment sumSegment = MemorySegment.ofArray(sums);
        private final float[] totals = new float[TILE];
        private final float[] lanes = new float[LANES];
        private MemorySegment block = MemorySegment.NULL;
        /** The next task of this worker, whose first keys are fetched at the end of this one: where it begins, and its head. */
        int tokenAfter;

        int headAfter;

        /** Room for one block, widened; off the heap like the cache itself, so that kernels see one kind of memory. */
        void reserve(Arena arena, long bytes) {
            if (block.byteSize() < bytes) {
                block = arena.allocate(bytes, VectorConstants.ALIGNMENT);
                machine.reserve(block);
            }
        }

        /** Scores from row to row. */
        int stride() {
            return scores.length / TILE;
        }

        /** Room for the scores of a tile; grows to the longest sequence and stays. */
        void reserve(int positions, int width) {
            if (scores.length < TILE * positions) {
                scores = new float[TILE * Math.max(positions, 2 * scores.length / TILE)];
                scoreSegment = MemorySegment.ofArray(scores);
            }
            if (sums.length < TILE * width) {
                sums = new float[TILE * width];
                sumSegment = MemorySegment.ofArray(sums);
            }
        }
    }

    private final CpuBackend.Scratch[] scratches;
    private final MachineAttention machine = new MachineAttention();
    private HostBuffer qkv;
    private HeadLayout heads;
    private AttentionMetadata metadata;
    private PagedKv kv;
    private AttentionRule rule;
    private float[] out;
    /** Where the step's tokens are cut. */
    private int[] tiles = new int[1024];

    private int tileCount;
    private int longest;
    private long work;
    private boolean machineCode;
    /** Whether rows of a tile are heads of one token that read the same keys, instead of tokens of one head. */
    private boolean byHead;
    /** What tokens still lack before somebody attends to them, or null: then a task is some tokens with all their tiles. */
    private RopeAndStore lacking;
    /** Converts rows of outputs for the product that comes next, or null. */
    private ProductInputs onward;

    PagedAttention(CpuBackend.Scratch[] scratches) {
        this.scratches = scratches;
    }

    /**
     * Takes a step on.
     *
     * @param q tokens × heads.columns
     * @param to tokens × heads.queryColumns
     * @param next takes outputs head by head, or null
     * @param allowed whether machine code may be used
     */
    void begin(
            HostBuffer q,
            HeadLayout layout,
            AttentionMetadata step,
            PagedKv cache,
            AttentionRule attends,
            float[] to,
            ProductInputs next,
            boolean allowed) {
        qkv = q;
        heads = layout;
        metadata = step;
        kv = cache;
        rule = attends;
        out = to;
        lacking = null;
        onward = next;
        machineCode = allowed && MachineKernels.attends(cache.blockSize(), cache.paddedDim());
        cut();
        byHead = machineCode && tileCount == metadata.tokenCount();
        machine.begin(q, layout, step, cache, attends, byHead);
        for (CpuBackend.Scratch each : scratches) {
            each.attention.reserve(positions(), kv.paddedDim());
            each.attention.machine.reserve(positions() / kv.blockSize() + 1);
        }
    }

    /**
     * Whether tasks turn and store what they attend to themselves, so that threads need not meet before: where there are tokens enough
     * to be dealt out whole, and none sees what is stored for another.
     */
    boolean takesOver(RopeAndStore step) {
        int tokens = metadata.tokenCount();
        boolean can = tileCount == tokens && tokens >= PIECES * scratches.length && step.isIndependent();
        lacking = can ? step : null;
        return can;
    }

    private void cut() {
        int tokens = metadata.tokenCount();
        if (tiles.length <= tokens) {
            tiles = new int[Math.max(tokens + 1, 2 * tiles.length)];
        }
        int count = 0;
        int most = 0;
        long positions = 0;
        for (int t = 0; t < tokens; t++) {
            if (t == 0 || t - tiles[count - 1] == TILE || metadata.blockTable(t) != metadata.blockTable(t - 1)) {
                tiles[count++] = t;
            }
            most = Math.max(most, metadata.position(t) + 1);
            positions += metadata.position(t) + 1 - rule.first(metadata.position(t));
        }
        tiles[count] = tokens;
        tileCount = count;
        longest = most;
        work = positions * heads.queryColumns() * 2;
    }

    /** Heads of a token that share keys are taken so many at a time. */
    private int groupChunks() {
        return (heads.heads() / heads.kvHeads() + TILE - 1) / TILE;
    }

    /** Tasks to run, in any order, on any worker. */
    int tasks() {
        return lacking == null ? tileTasks() : PIECES * scratches.length;
    }

    private int tileTasks() {
        return tileCount * headTasks();
    }

    /** Tasks of the same tokens. */
    private int headTasks() {
        return byHead ? heads.kvHeads() * groupChunks() : heads.heads();
    }

    /** Multiply-adds in all. */
    long work() {
        return work;
    }

    /** Positions that scratch must hold: those of whole blocks, and a vector beyond. */
    int positions() {
        return (longest / kv.blockSize() + 1) * kv.blockSize() + LANES;
    }

    @Override
    public void run(int task, int worker) {
        if (lacking == null) {
            tile(task, Math.min(task + scratches.length, tileTasks() - 1), worker);
            return;
        }
        int tokens = metadata.tokenCount();
        int from = task * tokens / tasks();
        int to = (task + 1) * tokens / tasks();
        for (int token = from; token < to; token++) {
            lacking.run(token, worker);
        }
        for (int i = from * headTasks(); i < to * headTasks(); i++) {
            tile(i, Math.min(i + 1, to * headTasks() - 1), worker);
        }
    }

    /** Computes one tile: softmax(q·Kᵀ × scale) × V, each row over the positions it sees; {@code after} comes next on this worker. */
    private void tile(int task, int after, int worker) {
        Scratch scratch = scratches[worker].attention;
        scratch.tokenAfter = tiles[after / headTasks()];
        int within = task % headTasks();
        int withinAfter = after % headTasks();
        int first = tiles[task / headTasks()];
        if (byHead) {
            int chunks = groupChunks();
            scratch.headAfter = withinAfter / chunks;
            int group = heads.heads() / heads.kvHeads();
            int firstHead = within / chunks * group + within % chunks * TILE;
            run(first, Math.min(TILE, group - within % chunks * TILE), firstHead, worker);
        } else {
            scratch.headAfter = heads.kvHead(withinAfter);
            run(first, tiles[task / headTasks() + 1] - first, within, worker);
        }
    }

    private void run(int first, int rows, int head, int worker) {
        Scratch scratch = scratches[worker].attention;
        int stride = scratch.stride();
        int padded = kv.paddedDim();
        Arrays.fill(scratch.sums, 0, rows * padded, 0);
        if (machineCode) {
            machine.score(first, rows, head, scratch);
        } else {
            score(first, rows, head, scratch, stride);
        }
        for (int r = 0; r < rows; r++) {
            scratch.totals[r] = softmax(token(first, r), scratch, r * stride);
        }
        if (machineCode) {
            machine.weigh(first, rows, head, scratch);
        } else {
            weigh(first, rows, head, scratch, stride);
        }
        for (int r = 0; r < rows; r++) {
            int to = token(first, r) * heads.queryColumns() + (byHead ? head + r : head) * heads.headDim();
            PointwiseKernels.divide(scratch.sums, r * padded, scratch.totals[r], out, to, heads.headDim());
        }
        if (onward != null) {
            int columns = (byHead ? rows : 1) * heads.headDim();
            onward.take(first, token(first, rows - 1) + 1, head * heads.headDim(), columns, worker);
        }
    }

    /** The token of a row. */
    private int token(int first, int row) {
        return byHead ? first : first + row;
    }

    /** The token of the last row. */
    private int last(int first, int rows) {
        return token(first, rows - 1);
    }

    /** From the row's own first block on, whatever its tile: so its sum runs over the same lanes alone and beside others. */
    private float softmax(int token, Scratch scratch, int at) {
        int begin = begin(token);
        int from = begin - begin % kv.blockSize();
        // Machine code leaves scores unscaled.
        float factor = machineCode ? rule.scale() : 1;
        if (rule.softCap() != 0 || !(factor > 0)) {
            AttentionKernels.scale(scratch.scores, at + from, seen(token) - from, factor);
            factor = 1;
        }
        if (rule.softCap() != 0) {
            ActivationKernels.softCap(scratch.scores, at + begin, at + seen(token), rule.softCap());
        }
        Arrays.fill(scratch.scores, at + from, at + begin, Float.NEGATIVE_INFINITY);
        return AttentionKernels.softmax(scratch.scores, at + from, seen(token) - from, factor, scratch.lanes);
    }

    /** Scores all positions that a row of the tile sees; what another does not see, softmax leaves out. */
    private void score(int first, int rows, int head, Scratch scratch, int stride) {
        int kvHead = heads.kvHead(head);
        int dim = heads.headDim();
        int query = first * heads.columns() + head * dim;
        int blockSize = kv.blockSize();
        int[] table = metadata.blockTable(first);
        for (int p = begin(first) / blockSize * blockSize; p < seen(last(first, rows)); p += blockSize) {
            int block = table[p / blockSize];
            MemorySegment keys = kv.keys(block, kvHead, scratch.block);
            long keysAt = kv.keysAt(block, kvHead);
            if (rows == 6) {
                AttentionKernels.scoreBlock6(
                        qkv.values(),
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
                        qkv.values(),
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
        for (int p = begin(first) / blockSize * blockSize; p < seen(last(first, rows)); p += blockSize) {
            int block = table[p / blockSize];
            int most = Math.min(blockSize, seen(last(first, rows)) - p);
            boolean whole = p + blockSize <= seen(first) && p >= begin(last(first, rows));
            MemorySegment values = kv.values(block, kvHead, most, scratch.block);
            long valuesAt = kv.valuesAt(block, kvHead);
            if (rows == 6 && whole && padded % TILE_COLUMNS == 0) {
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
                int skip = Math.max(0, begin(token(first, r)) - p);
                int count = Math.min(blockSize, seen(token(first, r)) - p) - skip;
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
