package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.cuda.CudaKernel;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.DeviceMemoryPool;

/** Launches of what reads and writes the cache: turning and storing, and attention. */
final class Attention {
    /** Positions of one piece, as in {@code attention.cu}. */
    static final int PIECE = 128;

    private static final int THREADS = 128;
    private static final int GROUP = 4;
    private static final int SHARED_BYTES = 48 << 10;
    /** Room for the count of pieces done, per token and kv head of a step that splits. */
    private static final int COUNTERS = 1 << 16;

    private final CudaKernels kernels;
    private final CudaStream stream;
    private final CudaMemory partials;
    private final CudaMemory counters;
    private final PromptAttention prompts;
    private final int processors;
    private int[] scratch = new int[1024];

    Attention(
            CudaKernels kernels,
            CudaStream stream,
            DeviceMemoryPool pool,
            long scratchBytes,
            int processors,
            PromptAttention prompts) {
        this.kernels = kernels;
        this.stream = stream;
        this.prompts = prompts;
        this.processors = processors;
        partials = pool.take(scratchBytes);
        counters = pool.take(4L * COUNTERS);
        counters.clear(stream);
    }

    /**
     * Where a step's metadata lies on the device.
     *
     * @param tokens filled-up ones included
     */
    record Placed(int tokens, long positions, long slots, long sequences, long tables, int tableStride) {}

    /** Writes the metadata, once per step. */
    Placed place(AttentionMetadata metadata, CudaSteps steps, StepBlock block) {
        int count = metadata.tokenCount();
        int tokens = steps.padded(count);
        int stride = steps.tableStride(metadata);
        // A filled-up pass has as many sequences as tokens.
        int sequences = Math.max(metadata.sequenceCount(), tokens == count ? 0 : tokens);
        long address = block.find(metadata);
        if (address == 0) {
            int size = 3 * tokens + sequences * stride;
            if (scratch.length < size) {
                scratch = new int[Math.max(size, 2 * scratch.length)];
            }
            fill(metadata, tokens, stride);
            address = block.ints(metadata, scratch, size, 0, 0);
        }
        return new Placed(
                tokens, address, address + 4L * tokens, address + 8L * tokens, address + 12L * tokens, stride);
    }

    private void fill(AttentionMetadata metadata, int tokens, int stride) {
        int count = metadata.tokenCount();
        int last = -1;
        for (int t = 0; t < tokens; t++) {
            boolean real = t < count;
            scratch[t] = real ? metadata.position(t) : -1;
            scratch[tokens + t] = real ? metadata.slot(t) : -1;
            scratch[2 * tokens + t] = real ? metadata.sequenceOf(t) : 0;
            if (real && metadata.sequenceOf(t) != last) {
                last = metadata.sequenceOf(t);
                int[] table = metadata.blockTable(t);
                System.arraycopy(table, 0, scratch, 3 * tokens + last * stride, Math.min(stride, table.length));
            }
        }
    }

    /** @param angles device address, or 0; @param kv or null */
    void ropeAndStore(CudaMemory qkv, HeadLayout heads, int tokens, long angles, int rotaryDim, long slots, CudaKv kv) {
        KvDType dtype = kv == null ? KvDType.F32 : kv.dtype();
        kernels.of(dtype, "store.cu", "rope_store")
                .with(qkv)
                .with(heads.heads())
                .with(heads.kvHeads())
                .with(heads.headDim())
                .address(angles)
                .with(rotaryDim)
                .address(slots)
                .with(kv == null ? 1 : kv.blockSize())
                .address(kv == null ? 0 : kv.keys().address())
                .address(kv == null ? 0 : kv.values().address())
                .address(address(kv == null ? null : kv.keyScales()))
                .address(address(kv == null ? null : kv.valueScales()))
                .launch(stream, tokens, heads.heads() + 2 * heads.kvHeads(), 1, 32, 0);
    }

    /** The address, or 0 for null. */
    static long address(CudaMemory memory) {
        return memory == null ? 0 : memory.address();
    }

    /** Prompts in tiles, everything else by the kernel that splits the context. */
    void attend(
            CudaMemory qkv,
            HeadLayout heads,
            Placed placed,
            PromptAttention.Cut cut,
            CudaKv kv,
            AttentionRule rule,
            CudaMemory out) {
        if (cut != null) {
            prompts.attend(qkv, heads, placed, cut, kv, rule, out);
        }
        int rows = cut == null ? placed.tokens : cut.restCount();
        if (rows > 0) {
            split(qkv, heads, placed, rows, cut == null ? 0 : cut.restAt(), kv, rule, out);
        }
    }

    /** @param rowsAt device address of the tokens that are meant, or 0 for all */
    private void split(
            CudaMemory qkv,
            HeadLayout heads,
            Placed placed,
            int rows,
            long rowsAt,
            CudaKv kv,
            AttentionRule rule,
            CudaMemory out) {
        int splits = splits(heads, rows, placed.tableStride * kv.blockSize());
        CudaKernel kernel = kernels.of(kv.dtype(), "attention.cu", "attention");
        int shared = sharedBytes(heads, kv.dtype());
        if (shared > SHARED_BYTES) {
            kernel.allowSharedBytes(shared);
        }
        kernel.with(qkv)
                .with(heads.heads())
                .with(heads.kvHeads())
                .with(heads.headDim())
                .address(rowsAt)
                .address(placed.positions)
                .address(placed.sequences)
                .address(placed.tables)
                .with(placed.tableStride)
                .with(kv.blockSize())
                .with(kv.keys())
                .with(kv.values())
                .address(address(kv.keyScales()))
                .address(address(kv.valueScales()))
                .with(rule.scale())
                .with(rule.window())
                .with(rule.softCap())
                .with(partials)
                .with(counters)
                .with(out);
        kernel.launch(stream, splits, heads.kvHeads(), rows, THREADS, shared);
    }

    /** As many as the longest sequence has pieces, unless the tokens alone fill the device, or the pieces find no room. */
    private int splits(HeadLayout heads, int rows, int context) {
        int pieces = (context + PIECE - 1) / PIECE;
        long blocks = (long) rows * heads.kvHeads();
        long room = 4L * rows * heads.heads() * pieces * (heads.headDim() + 2);
        return blocks >= 4L * processors || room > partials.bytes() || blocks > COUNTERS ? 1 : pieces;
    }

    /** Queries, scores, results and sums of a group of heads, and the values' sums of the teams. */
    private static int sharedBytes(HeadLayout heads, KvDType dtype) {
        int group = heads.heads() / heads.kvHeads();
        int vector = 16 / dtype.byteSize();
        boolean vectors = heads.headDim() % vector == 0 && heads.headDim() / vector <= THREADS;
        int partial = vectors ? THREADS / (heads.headDim() / vector) * GROUP * heads.headDim() : 0;
        return 4 * (group * (3 * heads.headDim() + PIECE + 4) + partial);
    }
}
