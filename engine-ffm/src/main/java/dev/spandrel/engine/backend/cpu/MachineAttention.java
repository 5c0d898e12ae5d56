package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.KvDType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The two products of {@link PagedAttention}'s tiles by {@link MachineKernels}: a call for all keys, and a call for every
 * stretch of positions that the same rows see. F32 and F16 are read where they lie, other types block by block from where they were widened
 * to. Rows of a tile are neighbouring tokens in one head, or heads of one token that read the same keys.
 */
final class MachineAttention {
    private static final int BLOCK = AttentionCode.BLOCK;
    /** Entries behind those that a call reads, which are only fetched. */
    private static final int FETCHED = 2;

    /** What one worker needs beside registers. */
    static final class Scratch {
        private long[] list = new long[128];
        private MemorySegment listSegment = MemorySegment.ofArray(list);
        /** Room for one block, widened. */
        private MemorySegment wide = MemorySegment.NULL;

        /** Room for so many blocks; grows to the longest sequence and stays. */
        void reserve(int blocks) {
            int size = AttentionCode.HEADER + blocks + FETCHED;
            if (list.length < size) {
                list = new long[Math.max(size, 2 * list.length)];
                listSegment = MemorySegment.ofArray(list);
            }
        }

        void reserve(MemorySegment block) {
            wide = block;
        }
    }

    private HostBuffer qkv;
    private HeadLayout heads;
    private AttentionMetadata metadata;
    private PagedKv kv;
    private AttentionRule rule;
    private boolean byHead;
    /** Whether code reads F16 where it lies. */
    private boolean half;
    /** Whether code reads F32 that a block is widened to. */
    private boolean widens;

    private int elementBytes;

    /** Takes a step on; see {@link PagedAttention#begin}. */
    void begin(
            HostBuffer q,
            HeadLayout layout,
            AttentionMetadata step,
            PagedKv cache,
            AttentionRule attends,
            boolean rowsAreHeads) {
        qkv = q;
        heads = layout;
        metadata = step;
        kv = cache;
        rule = attends;
        byHead = rowsAreHeads;
        half = cache.dtype() == KvDType.F16;
        widens = cache.dtype() != KvDType.F16 && cache.dtype() != KvDType.F32;
        elementBytes = half ? 2 : 4;
    }

    /** Scores of all positions in the blocks that a row of the tile sees; what another does not see, softmax leaves out. */
    void score(int first, int rows, int head, PagedAttention.Scratch scratch) {
        int kvHead = heads.kvHead(head);
        int[] table = metadata.blockTable(first);
        int from = begin(first) / BLOCK;
        int to = (seen(last(first, rows)) - 1) / BLOCK + 1;
        long[] list = scratch.machine.list;
        list[0] = 0;
        if (widens) {
            for (int b = from; b < to; b++) {
                long at = kv.keys(table[b], kvHead, scratch.machine.wide).address();
                Arrays.fill(list, AttentionCode.HEADER, AttentionCode.HEADER + 1 + FETCHED, at);
                score(first, rows, head, b, 1, scratch);
            }
            return;
        }
        int at = AttentionCode.HEADER;
        for (int b = from; b < to; b++) {
            list[at++] = kv.keysAddress(table[b], kvHead);
        }
        for (int i = 0; i < FETCHED; i++) {
            list[at + i] = kv.valuesAddress(table[Math.min(from + i, to - 1)], kvHead);
        }
        score(first, rows, head, from, to - from, scratch);
    }

    private void score(int first, int rows, int head, int block, int blocks, PagedAttention.Scratch scratch) {
        int dim = heads.headDim();
        MachineKernels.scores(
                half,
                qkv.segment(),
                4L * (first * heads.columns() + head * dim),
                4L * (byHead ? dim : heads.columns()),
                scratch.machine.listSegment,
                scratch.scoreSegment,
                4L * BLOCK * block,
                4L * scratch.stride(),
                dim,
                rows,
                blocks);
    }

    /**
     * Sums the values of each row's positions, stretch by stretch: what lies behind a row's own position, or before its
     * window, is somebody else's or nobody's, and nothing times NaN is NaN.
     */
    void weigh(int first, int rows, int head, PagedAttention.Scratch scratch) {
        int end = seen(last(first, rows));
        int top = 0;
        for (int p = begin(first); p < end; ) {
            while (seen(token(first, top)) <= p) {
                top++;
            }
            int bottom = top;
            while (bottom + 1 < rows && begin(token(first, bottom + 1)) <= p) {
                bottom++;
            }
            int next = seen(token(first, top));
            if (bottom + 1 < rows) {
                next = Math.min(next, begin(token(first, bottom + 1)));
            }
            weigh(first, top, bottom - top + 1, heads.kvHead(head), p, next, end, scratch);
            p = next;
        }
    }

    /** Positions {@code from} to {@code to − 1} of the tile's rows {@code top} to {@code top + rows − 1}. */
    private void weigh(
            int first, int top, int rows, int kvHead, int from, int to, int end, PagedAttention.Scratch scratch) {
        int[] table = metadata.blockTable(first);
        long[] list = scratch.machine.list;
        list[1] = (long) kv.paddedDim() * elementBytes;
        if (widens) {
            for (int p = from; p < to; ) {
                int next = Math.min(to, (p / BLOCK + 1) * BLOCK);
                int valid = Math.min(BLOCK, end - p / BLOCK * BLOCK);
                long at = kv.values(table[p / BLOCK], kvHead, valid, scratch.machine.wide)
                        .address();
                Arrays.fill(list, AttentionCode.HEADER, AttentionCode.HEADER + 1 + FETCHED, at);
                weighListed(top, rows, p, next, scratch);
                p = next;
            }
            return;
        }
        int at = AttentionCode.HEADER;
        for (int b = from / BLOCK; b * BLOCK < to; b++) {
            list[at++] = kv.valuesAddress(table[b], kvHead);
        }
        for (int i = 0; i < FETCHED; i++) {
            list[at + i] = after(scratch, i);
        }
        weighListed(top, rows, from, to, scratch);
    }

    private void weighListed(int top, int rows, int from, int to, PagedAttention.Scratch scratch) {
        int padded = kv.paddedDim();
        long[] list = scratch.machine.list;
        list[AttentionCode.HEADER] += from % BLOCK * list[1];
        int inFirst = Math.min(to - from, BLOCK - from % BLOCK);
        for (int d = 0; d < padded; d += VectorConstants.PANEL) {
            list[0] = (long) d * elementBytes;
            MachineKernels.weigh(
                    half,
                    scratch.scoreSegment,
                    4L * (top * scratch.stride() + from),
                    4L * scratch.stride(),
                    scratch.machine.listSegment,
                    scratch.sumSegment,
                    4L * (top * padded + d),
                    4L * padded,
                    to - from,
                    rows,
                    inFirst);
        }
    }

    /** Keys that this worker's next task begins with. */
    private long after(PagedAttention.Scratch scratch, int block) {
        int token = scratch.tokenAfter;
        int at = Math.min(begin(token) / BLOCK + block, (seen(token) - 1) / BLOCK);
        return kv.keysAddress(metadata.blockTable(token)[at], scratch.headAfter);
    }

    /** The token of a row. */
    private int token(int first, int row) {
        return byHead ? first : first + row;
    }

    private int last(int first, int rows) {
        return token(first, rows - 1);
    }

    private int begin(int token) {
        return rule.first(metadata.position(token));
    }

    private int seen(int token) {
        return metadata.position(token) + 1;
    }
}
