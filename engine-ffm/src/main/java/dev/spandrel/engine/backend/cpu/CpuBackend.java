package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.backend.MachineMemory;
import dev.spandrel.engine.backend.Norm;
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
    /** Rows of a block, rounded up to whole calls of AMX. */
    private static final int SUM_ROWS = (MatMul.ROW_BLOCK + AmxKernels.ROWS - 1) / AmxKernels.ROWS * AmxKernels.ROWS;
    /** What a row's verb takes for one value, in multiply-adds of the tiles: in vectors, with an exponential, one by one. */
    static final int POINTWISE_WORK = 32;

    private static final int ACTIVATION_WORK = 128;
    private static final int SCALAR_WORK = 128;

    /** What one worker needs beside registers. */
    static final class Scratch {
        final PagedAttention.Scratch attention = new PagedAttention.Scratch();
        final float[] lanes = new float[LANES];
        final float[] edge = new float[MatMul.ROW_BLOCK * PANEL];
        final float[] factors = new float[2 * PANEL];
        final MemorySegment edgeSegment = MemorySegment.ofArray(edge);
        /** What a gate lets through. */
        final float[] through = new float[MatMul.ROW_BLOCK * PANEL];

        final MemorySegment throughSegment = MemorySegment.ofArray(through);
        final MemorySegment strip;
        /** Integer sums of a row block's upper and lower bytes. */
        final MemorySegment sums;

        final int number;

        Scratch(Arena arena, int worker) {
            number = worker;
            strip = arena.allocate(Widening.STRIP_BYTES, VectorConstants.ALIGNMENT);
            sums = NarrowActivations.global(arena.allocate(2L * SUM_ROWS * PANEL * 4, VectorConstants.ALIGNMENT));
        }
    }

    private final Arena arena = Arena.ofShared();
    private final WeightPolicy policy;
    private final boolean machineCode;
    private final boolean amx;
    private final int amxRows;
    private final LargeMemory memory = new LargeMemory(arena);
    private final ProductInputs inputs;
    private final RowVerbs verbs;
    private final RopeAndStore ropeAndStore = new RopeAndStore();
    private final RowDraws draws;
    private final Products products;
    private final SharedTasks tasks;
    private final PagedAttention attention;
    private final Workers workers;
    private final Scratch[] scratch;
    /** Matrices whose inputs are rounded. */
    private int roundingWeights;

    /** @param options threads, weights, instructions */
    public CpuBackend(BackendOptions options) {
        int available = Runtime.getRuntime().availableProcessors();
        int threads = options.threads() == 0 ? CpuFeatures.physicalCores(available) : options.threads();
        policy = options.weights();
        machineCode = options.machineCode() && MachineKernels.refusal() == null;
        amxRows = options.amxRows();
        amx = machineCode && amxRows > 0 && AmxKernels.refusal() == null;
        workers = new Workers(threads);
        scratch = new Scratch[threads];
        Arrays.setAll(scratch, i -> new Scratch(arena, i));
        verbs = new RowVerbs(scratch);
        draws = new RowDraws(threads);
        inputs = new ProductInputs(arena, policy, machineCode, amx ? amxRows : 0, threads);
        tasks = new SharedTasks(workers);
        products = new Products(tasks, inputs, verbs, new MatMul(scratch));
        attention = new PagedAttention(scratch);
    }

    @Override
    public String description() {
        return "cpu (" + SPECIES.vectorBitSize() + "-bit vectors, "
                + (machineCode ? MachineKernels.description() + AmxKernels.description(amx, amxRows) + ", " : "")
                + (policy.roundsInputs() ? "activations rounded to int8, " : "")
                + workers.count()
                + (workers.count() == 1 ? " thread)" : " threads)");
    }

    @Override
    public List<Thread> workers() {
        return workers.threads();
    }

    /** Whether BF16 and INT8 weights are multiplied by AMX tiles here, where a step has rows enough. */
    public boolean amx() {
        return amx;
    }

    /** Products that went through AMX tiles: that they could have is not that they did. */
    public long amxProducts() {
        return inputs.amxProducts();
    }

    /** Whether BF16 weights meet inputs rounded to BF16 here; with AMX, where a step has rows enough. */
    public boolean roundsInputs() {
        return amx || machineCode && MachineKernels.supports(WeightFormat.BF16);
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
        List<WeightRows> rows = WeightRows.of(vector ? stored -> WeightFormat.F32 : policy::matrix, parts);
        roundingWeights += rows.stream().anyMatch(part -> policy.roundsInputs(part.format())) ? 1 : 0;
        return pack(rows);
    }

    @Override
    public int roundingWeights() {
        return roundingWeights;
    }

    @Override
    public Weight uploadTable(Tensor table) {
        return pack(WeightRows.of(policy::table, table));
    }

    private CpuWeight pack(List<WeightRows> rows) {
        int steps = amx ? AmxKernels.STEPS : policy.roundsInputs() ? PackedMatrix.Q8_STEPS : 1;
        return CpuWeight.pack(memory, workers, steps, rows);
    }

    @Override
    public void embed(Weight table, int[] ids, int count, boolean accumulate, Buffer out) {
        CpuWeight from = (CpuWeight) table;
        runRows(
                count,
                (long) count * from.columns() * SCALAR_WORK,
                verbs.embed(from, ids, accumulate, written(out).values()));
    }

    @Override
    public void layerNorm(Buffer in, int rows, int columns, Weight weight, Weight bias, float epsilon, Buffer out) {
        verbs.layerNorm(
                HostBuffer.of(in),
                columns,
                data(weight),
                data(bias),
                epsilon,
                written(out).values());
        runRows(rows, (long) rows * columns * POINTWISE_WORK, verbs);
    }

    @Override
    public void rmsNorm(Buffer in, int rows, int columns, Weight weight, float epsilon, Buffer out) {
        verbs.rmsNorm(
                HostBuffer.of(in), columns, data(weight), epsilon, written(out).values());
        runRows(rows, (long) rows * columns * POINTWISE_WORK, verbs);
    }

    @Override
    public void normHeads(Buffer qkv, int rows, HeadLayout heads, Weight queries, Weight keys, float epsilon) {
        verbs.normHeads(written(qkv).values(), heads, (CpuWeight) queries, (CpuWeight) keys, epsilon);
        runRows(rows, (long) rows * heads.columns() * POINTWISE_WORK, verbs);
    }

    @Override
    public void rope(Buffer qkv, int rows, HeadLayout heads, int rotaryDim, float[] angles) {
        runRows(
                rows,
                (long) rows * heads.columns() * POINTWISE_WORK,
                verbs.rope(written(qkv).values(), heads, rotaryDim, angles));
    }

    @Override
    public void gate(Buffer gateUp, int rows, int columns, Activation activation, Buffer out) {
        runRows(
                rows,
                (long) rows * columns * ACTIVATION_WORK,
                verbs.gate(
                        HostBuffer.of(gateUp), columns, activation, written(out).values()));
    }

    @Override
    public void scale(Buffer values, long count, float factor) {
        float[] x = written(values).values();
        for (int i = 0; i < count; i++) {
            x[i] *= factor;
        }
    }

    @Override
    public void softCap(Buffer values, long count, float cap) {
        ActivationKernels.softCap(written(values).values(), 0, (int) count, cap);
    }

    @Override
    public void matmul(Buffer in, int rows, Weight weight, Weight bias, Activation activation, Buffer out) {
        normMatmul(in, rows, null, weight, bias, activation, null, out);
    }

    @Override
    public void normMatmul(
            Buffer in,
            int rows,
            Norm norm,
            Weight weight,
            Weight bias,
            Activation activation,
            Buffer normed,
            Buffer out) {
        multiply(in, rows, norm, weight, false, bias, activation, normed, written(out), null);
    }

    @Override
    public void matmulAdd(Buffer in, int rows, Weight weight, Weight bias, Buffer product, Buffer sum) {
        multiply(in, rows, null, weight, false, bias, Activation.NONE, null, written(product), written(sum));
    }

    /** Products of a gate stay in the task that made them, where the halves are whole panels of one matrix. */
    @Override
    public void normMatmulGate(
            Buffer in,
            int rows,
            Norm norm,
            Weight weight,
            Weight bias,
            Activation activation,
            Buffer normed,
            Buffer gateUp,
            Buffer out) {
        CpuWeight w = (CpuWeight) weight;
        if (w.parts().size() == 1 && MatMul.gates(w.parts().getFirst())) {
            multiply(in, rows, norm, weight, true, bias, activation, normed, written(out), null);
        } else {
            Backend.super.normMatmulGate(in, rows, norm, weight, bias, activation, normed, gateUp, out);
        }
    }

    private void multiply(
            Buffer in,
            int rows,
            Norm norm,
            Weight weight,
            boolean gated,
            Weight bias,
            Activation activation,
            Buffer normed,
            HostBuffer out,
            HostBuffer sum) {
        CpuWeight w = (CpuWeight) weight;
        HostBuffer from = (HostBuffer) in;
        products.multiply(from, rows, norm, w, gated, data(bias), activation, (HostBuffer) normed, out, sum);
    }

    private void runRows(int rows, long work, Workers.Task task) {
        tasks.runRows(rows, work, task);
    }

    @Override
    public void add(Buffer in, long count, Buffer out) {
        PointwiseKernels.add(HostBuffer.of(in), written(out).values(), 0, (int) count);
    }

    @Override
    public void storeKv(Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv) {
        ropeAndStore(ropeAndStore.of(HostBuffer.of(qkv), heads, 0, null, metadata, (PagedKv) kv), heads, metadata);
    }

    private void ropeAndStore(RopeAndStore step, HeadLayout heads, AttentionMetadata metadata) {
        runRows(metadata.tokenCount(), (long) metadata.tokenCount() * heads.columns() * SCALAR_WORK, step);
    }

    @Override
    public void attend(
            Buffer qkv,
            HeadLayout heads,
            AttentionMetadata metadata,
            int rotaryDim,
            float[] angles,
            KvLayer kv,
            AttentionRule rule,
            Buffer out) {
        ropeAndStore.of(written(qkv).values(), heads, rotaryDim, angles, metadata, (PagedKv) kv);
        attention(qkv, heads, metadata, kv, rule, out, ropeAndStore);
    }

    @Override
    public void attention(
            Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv, AttentionRule rule, Buffer out) {
        attention(qkv, heads, metadata, kv, rule, out, null);
    }

    /** @param lacking what is to be done for each token before anybody attends to it, or null */
    private void attention(
            Buffer qkv,
            HeadLayout heads,
            AttentionMetadata metadata,
            KvLayer kv,
            AttentionRule rule,
            Buffer out,
            RopeAndStore lacking) {
        int tokens = metadata.tokenCount();
        ProductInputs next =
                inputs.offer(written(out), tokens, heads.queryColumns(), heads.headDim(), products.following());
        attention.begin((HostBuffer) qkv, heads, metadata, (PagedKv) kv, rule, HostBuffer.of(out), next, machineCode);
        if (lacking != null && !attention.takesOver(lacking)) {
            ropeAndStore(lacking, heads, metadata);
        }
        tasks.run(attention.tasks(), attention.work(), attention);
        if (next != null) {
            next.complete();
        }
    }

    @Override
    public void gatherRows(Buffer in, int[] rows, int count, int columns, Buffer out) {
        float[] to = written(out).values();
        for (int i = 0; i < count; i++) {
            System.arraycopy(HostBuffer.of(in), rows[i] * columns, to, i * columns, columns);
        }
    }

    @Override
    public boolean draw(Buffer logits, int columns, Draws wanted) {
        draws.begin(HostBuffer.of(logits), columns, wanted);
        return true;
    }

    /** Only now, so that the time is sampling's. */
    @Override
    public void readDrawn(int[] tokens) {
        tasks.run(draws.count(), (long) draws.count() * draws.columns() * POINTWISE_WORK, draws.into(tokens));
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

    /** A buffer that is about to change: what has been made of it for the next product is forgotten. */
    private HostBuffer written(Buffer buffer) {
        inputs.forget((HostBuffer) buffer);
        return (HostBuffer) buffer;
    }

    static MemorySegment data(Weight vector) {
        return vector == null ? null : ((CpuWeight) vector).vector().data();
    }
}
