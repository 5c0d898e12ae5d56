package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.backend.MachineMemory;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.WeightRows;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * The Vector API backend: weights packed once into off-heap panels, activations on the heap, verbs split over platform
 * threads. Weights stay as narrow as their {@link WeightPolicy} says; nothing of a checkpoint is kept. Owns its memory and its threads;
 * {@link #close} releases both, after which no verb may be called.
 */
public final class CpuBackend implements Backend {
    /** Multiply-adds below which waking another core costs more than it brings: some 3 µs of work. */
    private static final long WORTH_SPLITTING = 300_000;

    /** Rows of a block, rounded up to whole calls of AMX. */
    private static final int SUM_ROWS = (MatMul.ROW_BLOCK + AmxKernels.ROWS - 1) / AmxKernels.ROWS * AmxKernels.ROWS;
    /** Work of converting an input, in multiply-adds. */
    private static final int CONVERSION_WORK = 8;

    /** What one worker needs beside registers. */
    static final class Scratch {
        final PagedAttention.Scratch attention = new PagedAttention.Scratch();
        final float[] lanes = new float[LANES];
        final float[] edge = new float[MatMul.ROW_BLOCK * PANEL];
        final float[] turn = new float[2 * Widening.STRIP * PANEL];
        final MemorySegment edgeSegment = MemorySegment.ofArray(edge);
        final MemorySegment strip;
        /** Integer sums of a row block's upper and lower bytes. */
        final MemorySegment sums;

        Scratch(Arena arena) {
            strip = arena.allocate(Widening.STRIP_BYTES, VectorConstants.ALIGNMENT);
            sums = NarrowActivations.global(arena.allocate(2L * SUM_ROWS * PANEL * 4, VectorConstants.ALIGNMENT));
        }
    }

    private final Arena arena = Arena.ofShared();
    private final WeightPolicy policy;
    private final boolean machineCode;
    private final boolean amx;
    private final LargeMemory memory = new LargeMemory(arena);
    private final NarrowActivations narrow = new NarrowActivations();
    private final MatMul matMul;
    private final PagedAttention attention;
    private final Workers workers;
    private final Scratch[] scratch;

    /** @param options threads, weights, instructions */
    public CpuBackend(BackendOptions options) {
        int available = Runtime.getRuntime().availableProcessors();
        int threads = options.threads() == 0 ? CpuFeatures.physicalCores(available) : options.threads();
        policy = options.weights();
        machineCode = options.machineCode() && MachineKernels.refusal() == null;
        amx = machineCode && options.amx() && AmxKernels.refusal() == null;
        workers = new Workers(threads);
        scratch = new Scratch[threads];
        Arrays.setAll(scratch, i -> new Scratch(arena));
        matMul = new MatMul(scratch, narrow);
        attention = new PagedAttention(scratch);
    }

    @Override
    public String description() {
        return "cpu (" + SPECIES.vectorBitSize() + "-bit vectors, "
                + (machineCode ? MachineKernels.description() + ", " : "")
                + workers.count()
                + (workers.count() == 1 ? " thread)" : " threads)");
    }

    @Override
    public List<Thread> workers() {
        return workers.threads();
    }

    /** Whether BF16 weights meet inputs rounded to BF16 here. */
    public boolean roundsInputs() {
        return machineCode && MachineKernels.supports(WeightFormat.BF16);
    }

    @Override
    public Buffer allocate(long elements) {
        return HostBuffer.of(elements);
    }

    @Override
    public KvLayer allocateKv(int blocks, int blockSize, HeadLayout heads, KvDType dtype) {
        if (blockSize % 16 != 0 || blockSize % LANES != 0) {
            throw new IllegalArgumentException(
                    "--block-size must be a multiple of " + Math.max(16, LANES) + ", found " + blockSize);
        }
        PagedKv kv = new PagedKv(memory, blocks, blockSize, heads, dtype);
        for (Scratch each : scratch) {
            each.attention.reserve(arena, kv.scratchBytes());
        }
        return kv;
    }

    @Override
    public long availableBytes() {
        return MachineMemory.available();
    }

    @Override
    public long bytes(DType stored, List<Long> shape) {
        return policy.bytes(stored, shape);
    }

    @Override
    public Weight upload(Tensor... parts) {
        boolean vector = parts[0].shape().size() == 1;
        return pack(WeightRows.of(vector ? stored -> WeightFormat.F32 : policy::matrix, parts));
    }

    @Override
    public Weight uploadTable(Tensor table) {
        return pack(WeightRows.of(policy::table, table));
    }

    private CpuWeight pack(List<WeightRows> rows) {
        return CpuWeight.pack(memory, workers, amx ? AmxKernels.STEPS : 1, rows);
    }

    @Override
    public void embed(Weight table, int[] ids, int count, boolean accumulate, Buffer out) {
        CpuWeight from = (CpuWeight) table;
        float[] to = HostBuffer.of(out);
        for (int t = 0; t < count; t++) {
            int row = ids[t];
            int part = 0;
            while (row >= from.parts().get(part).rows()) {
                row -= from.parts().get(part).rows();
                part++;
            }
            from.parts().get(part).row(row, to, t * from.columns(), accumulate);
        }
    }

    @Override
    public void layerNorm(Buffer in, int rows, int columns, Weight weight, Weight bias, float epsilon, Buffer out) {
        float[] x = HostBuffer.of(in);
        float[] y = HostBuffer.of(out);
        float[] lanes = scratch[0].lanes;
        for (int r = 0; r < rows; r++) {
            PointwiseKernels.layerNorm(
                    x, r * columns, columns, data(weight), data(bias), epsilon, y, r * columns, lanes);
        }
    }

    @Override
    public void rmsNorm(Buffer in, int rows, int columns, Weight weight, float epsilon, Buffer out) {
        float[] x = HostBuffer.of(in);
        float[] y = HostBuffer.of(out);
        MemorySegment factors = data(weight);
        if (isSmall((long) rows * columns)) {
            for (int r = 0; r < rows; r++) {
                PointwiseKernels.rmsNorm(x, r * columns, columns, factors, epsilon, y, scratch[0].lanes);
            }
        } else {
            workers.run(
                    rows,
                    (r, worker) -> PointwiseKernels.rmsNorm(
                            x, r * columns, columns, factors, epsilon, y, scratch[worker].lanes));
        }
    }

    @Override
    public void normHeads(Buffer qkv, int rows, HeadLayout heads, Weight queries, Weight keys, float epsilon) {
        float[] x = HostBuffer.of(qkv);
        if (isSmall((long) rows * heads.columns())) {
            for (int r = 0; r < rows; r++) {
                normHeads(x, r, heads, queries, keys, epsilon, scratch[0].lanes);
            }
        } else {
            workers.run(rows, (r, worker) -> normHeads(x, r, heads, queries, keys, epsilon, scratch[worker].lanes));
        }
    }

    private static void normHeads(
            float[] x, int r, HeadLayout heads, Weight queries, Weight keys, float epsilon, float[] lanes) {
        int row = r * heads.columns();
        for (int at = 0; at < heads.queryColumns(); at += queries.rows()) {
            PointwiseKernels.rmsNorm(x, row + at, queries.rows(), data(queries), epsilon, x, lanes);
        }
        for (int at = 0; at < heads.kvColumns(); at += keys.rows()) {
            int key = row + heads.queryColumns() + at;
            PointwiseKernels.rmsNorm(x, key, keys.rows(), data(keys), epsilon, x, lanes);
        }
    }

    @Override
    public void rope(Buffer qkv, int rows, HeadLayout heads, int rotaryDim, float[] angles) {
        float[] x = HostBuffer.of(qkv);
        if (isSmall((long) rows * heads.columns())) {
            for (int r = 0; r < rows; r++) {
                rotate(x, r, heads, rotaryDim, angles);
            }
        } else {
            workers.run(rows, (r, _) -> rotate(x, r, heads, rotaryDim, angles));
        }
    }

    private static void rotate(float[] x, int r, HeadLayout heads, int rotaryDim, float[] angles) {
        for (int h = 0; h < heads.heads() + heads.kvHeads(); h++) {
            int at = r * heads.columns() + h * heads.headDim();
            PointwiseKernels.rotate(x, at, rotaryDim / 2, angles, r * rotaryDim);
        }
    }

    @Override
    public void gate(Buffer gateUp, int rows, int columns, Activation activation, Buffer out) {
        float[] x = HostBuffer.of(gateUp);
        float[] y = HostBuffer.of(out);
        if (isSmall(4L * rows * columns)) {
            for (int r = 0; r < rows; r++) {
                gate(x, r, columns, activation, y);
            }
        } else {
            workers.run(rows, (r, _) -> gate(x, r, columns, activation, y));
        }
    }

    private static void gate(float[] x, int r, int columns, Activation activation, float[] y) {
        int gate = r * 2 * columns;
        System.arraycopy(x, gate, y, r * columns, columns);
        ActivationKernels.apply(activation, y, r * columns, (r + 1) * columns);
        PointwiseKernels.multiply(x, gate + columns, y, r * columns, columns);
    }

    @Override
    public void scale(Buffer values, long count, float factor) {
        float[] x = HostBuffer.of(values);
        for (int i = 0; i < count; i++) {
            x[i] *= factor;
        }
    }

    @Override
    public void softCap(Buffer values, long count, float cap) {
        ActivationKernels.softCap(HostBuffer.of(values), 0, (int) count, cap);
    }

    @Override
    public void matmul(Buffer in, int rows, Weight weight, Weight bias, Activation activation, Buffer out) {
        CpuWeight w = (CpuWeight) weight;
        HostBuffer a = (HostBuffer) in;
        HostBuffer c = (HostBuffer) out;
        MemorySegment b = data(bias);
        matMul.set(a, rows, c, w.rows(), b, activation);
        int first = 0;
        for (int i = 0; i < w.parts().size(); i++) {
            PackedMatrix part = w.parts().get(i);
            boolean tiles = amx && rows >= AmxKernels.BREAK_EVEN && AmxKernels.supports(part.format());
            boolean machine = tiles || machineCode && MachineMultiply.takes(part);
            if (machine && MachineMultiply.converts(part.format())) {
                narrow.begin(arena, a.values(), rows, part);
                run(rows, (long) rows * part.columns() * CONVERSION_WORK, narrow);
            }
            matMul.part(part, first, machine, tiles);
            run(matMul.tasks(), matMul.work(), matMul);
            first += part.rows();
        }
    }

    private static boolean isSmall(long work) {
        return work < WORTH_SPLITTING;
    }

    /** Tasks on all workers where there is work enough to wake another core. */
    private void run(int tasks, long work, Workers.Task task) {
        if (isSmall(work)) {
            for (int i = 0; i < tasks; i++) {
                task.run(i, 0);
            }
        } else {
            workers.run(tasks, task);
        }
    }

    @Override
    public void add(Buffer in, long count, Buffer out) {
        PointwiseKernels.add(HostBuffer.of(in), HostBuffer.of(out), 0, (int) count);
    }

    @Override
    public void storeKv(Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv) {
        PagedKv cache = (PagedKv) kv;
        float[] from = HostBuffer.of(qkv);
        for (int t = 0; t < metadata.tokenCount(); t++) {
            for (int h = 0; h < heads.kvHeads(); h++) {
                int key = t * heads.columns() + heads.queryColumns() + h * heads.headDim();
                cache.store(from, key, key + heads.kvColumns(), h, metadata.slot(t));
            }
        }
    }

    @Override
    public void attention(
            Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv, AttentionRule rule, Buffer out) {
        PagedKv cache = (PagedKv) kv;
        attention.begin((HostBuffer) qkv, heads, metadata, cache, rule, HostBuffer.of(out), machineCode);
        run(attention.tasks(), attention.work(), attention);
    }

    @Override
    public void gatherRows(Buffer in, int[] rows, int count, int columns, Buffer out) {
        for (int i = 0; i < count; i++) {
            System.arraycopy(HostBuffer.of(in), rows[i] * columns, HostBuffer.of(out), i * columns, columns);
        }
    }

    @Override
    public void readLogits(Buffer logits, int row, int columns, float[] into) {
        System.arraycopy(HostBuffer.of(logits), row * columns, into, 0, columns);
    }

    @Override
    public void close() {
        workers.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private static MemorySegment data(Weight vector) {
        return vector == null ? null : ((CpuWeight) vector).vector().data();
    }
}
