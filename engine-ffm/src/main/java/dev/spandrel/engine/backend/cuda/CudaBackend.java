package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.DeviceStats;
import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.backend.Norm;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.PinnedMemory;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/**
 * Every verb as a kernel on one stream. One thread calls at a time; it may be another than the one that opened. Nothing waits for
 * the device but {@link #readLogits} and uploads; what went wrong there is thrown then, as {@code CudaException}.
 */
public final class CudaBackend implements Backend {
    private static final int THREADS = 256;

    private final CudaState state;
    private PinnedMemory row;
    private KvDType kvDType = KvDType.F32;
    private final List<CudaWeight.Part> uploaded = new ArrayList<>();

    /**
     * Opens the first visible device.
     *
     * @throws dev.spandrel.engine.cuda.CudaException when a call fails; everything begun is released before
     */
    public CudaBackend(CudaOptions options) {
        state = CudaState.open(options);
    }

    @Override
    public String description() {
        return "cuda (" + state.device().name() + ", " + state.device().architecture() + ", "
                + (state.device().totalBytes() >> 20) + " MiB, "
                + (state.options().exact() ? "exact" : "tensor cores for prompts") + ")";
    }

    @Override
    public Optional<DeviceStats> device() {
        return Optional.of(state.stats());
    }

    @Override
    public boolean recordsPasses() {
        return state.options().graphs();
    }

    @Override
    public Buffer allocate(long elements) {
        state.enter();
        CudaMemory memory = state.pool().take(4 * elements);
        memory.clear(state.stream());
        return new CudaBuffer(memory, elements);
    }

    @Override
    public KvLayer allocateKv(int blocks, int blockSize, HeadLayout heads, KvDType dtype) {
        state.enter();
        long vectors = (long) blocks * blockSize * heads.kvHeads();
        long bytes = vectors * heads.headDim() * dtype.byteSize();
        boolean scaled = dtype == KvDType.INT8;
        return new CudaKv(
                dtype,
                blockSize,
                cleared(bytes),
                cleared(bytes),
                scaled ? cleared(4 * vectors) : null,
                scaled ? cleared(4 * vectors) : null);
    }

    private CudaMemory cleared(long bytes) {
        CudaMemory memory = state.pool().take(bytes);
        memory.clear(state.stream());
        return memory;
    }

    @Override
    public long availableBytes() {
        state.enter();
        return state.availableBytes();
    }

    @Override
    public OptionalLong kvBytes() {
        state.enter();
        return OptionalLong.of(state.availableBytes());
    }

    @Override
    public long bytes(DType stored, List<Long> shape) {
        return state.options().weights().bytes(stored, shape);
    }

    @Override
    public Weight upload(Tensor... parts) {
        boolean vector = parts[0].shape().size() == 1;
        return upload(vector ? _ -> WeightFormat.F32 : state.options().weights()::matrix, parts);
    }

    @Override
    public Weight uploadTable(Tensor table) {
        return upload(state.options().weights()::table, table);
    }

    private Weight upload(Function<DType, WeightFormat> format, Tensor... parts) {
        state.enter();
        CudaWeight weight = state.uploader().upload(format, parts);
        uploaded.addAll(weight.parts());
        switch (weight.parts().getFirst().format()) {
            case BF16 -> kvDType = KvDType.BF16;
            case F16 -> kvDType = KvDType.F16;
            default -> {}
        }
        return weight;
    }

    /** As 16-bit weights are; with F32 weights nothing is to be rounded. */
    @Override
    public KvDType kvDType() {
        return kvDType;
    }

    @Override
    public void beginStep(AttentionMetadata metadata, int logitRows) {
        state.enter();
        state.steps().begin(metadata, logitRows);
    }

    @Override
    public void endStep() {
        state.steps().end();
    }

    @Override
    public void abandonStep() {
        state.steps().abandon();
    }

    @Override
    public void embed(Weight table, int[] ids, int count, boolean accumulate, Buffer out) {
        state.enter();
        CudaWeight weight = CudaWeight.of(table);
        if (weight.parts().size() > 1) {
            throw new IllegalArgumentException("a table of embeddings has one format, found "
                    + weight.parts().size());
        }
        CudaWeight.Part part = weight.parts().getFirst();
        int rows = state.steps().padded(count);
        long address = state.block().find(ids);
        long placed = address == 0 ? state.block().ints(ids, ids, count, rows - count, 0) : address;
        if (state.steps().runs(rows)) {
            state.kernels()
                    .of(part.format(), "embed.cu", "embed")
                    .with(part.data())
                    .address(part.scalesAddress())
                    .with(part.pitch())
                    .with(weight.columns())
                    .address(placed)
                    .with(accumulate ? 1 : 0)
                    .with(CudaBuffer.of(out))
                    .launch(state.stream(), rows, 1, 1, THREADS, 0);
        }
    }

    @Override
    public void layerNorm(Buffer in, int rows, int columns, Weight weight, Weight bias, float epsilon, Buffer out) {
        norm(in, rows, columns, Norm.layer(weight, bias, epsilon), out);
    }

    @Override
    public void rmsNorm(Buffer in, int rows, int columns, Weight weight, float epsilon, Buffer out) {
        norm(in, rows, columns, Norm.rms(weight, epsilon), out);
    }

    private void norm(Buffer in, int rows, int columns, Norm norm, Buffer out) {
        state.enter();
        int all = state.steps().padded(rows);
        if (state.steps().runs(all)) {
            state.kernels()
                    .plain("norm.cu", "norm_rows")
                    .with(CudaBuffer.of(in))
                    .with(columns)
                    .with(norm.centred() ? 1 : 2)
                    .address(CudaWeight.vector(norm.weight()))
                    .address(CudaWeight.vector(norm.bias()))
                    .with(norm.epsilon())
                    .with(CudaBuffer.of(out))
                    .launch(state.stream(), all, 1, 1, THREADS, 0);
        }
    }

    @Override
    public void normHeads(Buffer qkv, int rows, HeadLayout heads, Weight queries, Weight keys, float epsilon) {
        state.enter();
        int all = state.steps().padded(rows);
        int queryCount = heads.queryColumns() / queries.rows();
        int keyCount = heads.kvColumns() / keys.rows();
        if (state.steps().runs(all)) {
            state.kernels()
                    .plain("norm.cu", "norm_heads")
                    .with(CudaBuffer.of(qkv))
                    .with(heads.columns())
                    .with(heads.queryColumns())
                    .with(queries.rows())
                    .with(queryCount)
                    .address(CudaWeight.vector(queries))
                    .with(keys.rows())
                    .address(CudaWeight.vector(keys))
                    .with(epsilon)
                    .launch(state.stream(), all, queryCount + keyCount, 1, THREADS, 0);
        }
    }

    @Override
    public void rope(Buffer qkv, int rows, HeadLayout heads, int rotaryDim, float[] angles) {
        state.enter();
        int all = state.steps().padded(rows);
        long placed = angles(angles, rows, rotaryDim);
        if (state.steps().runs(all)) {
            state.attention().ropeAndStore(CudaBuffer.of(qkv), heads, all, placed, rotaryDim, 0, null);
        }
    }

    private long angles(float[] angles, int rows, int rotaryDim) {
        int padding = state.steps().padded(rows) - rows;
        long address = state.block().find(angles);
        return address != 0 ? address : state.block().floats(angles, angles, rows * rotaryDim, padding * rotaryDim);
    }

    @Override
    public void gate(Buffer gateUp, int rows, int columns, Activation activation, Buffer out) {
        state.enter();
        int all = state.steps().padded(rows);
        if (state.steps().runs(all)) {
            state.kernels()
                    .plain("pointwise.cu", "gate")
                    .with(CudaBuffer.of(gateUp))
                    .with(all)
                    .with(columns)
                    .with(activation.ordinal())
                    .with(CudaBuffer.of(out))
                    .launch(state.stream(), blocks((long) all * columns), 1, 1, THREADS, 0);
        }
    }

    @Override
    public void scale(Buffer values, long count, float factor) {
        pointwise("scale", values, count, factor);
    }

    @Override
    public void softCap(Buffer values, long count, float cap) {
        pointwise("soft_cap", values, count, cap);
    }

    private void pointwise(String name, Buffer values, long count, float by) {
        state.enter();
        long all = state.steps().padded(count);
        if (state.steps().runs(all)) {
            state.kernels()
                    .plain("pointwise.cu", name)
                    .with(CudaBuffer.of(values))
                    .with(all)
                    .with(by)
                    .launch(state.stream(), blocks(all), 1, 1, THREADS, 0);
        }
    }

    @Override
    public void add(Buffer in, long count, Buffer out) {
        state.enter();
        long all = state.steps().padded(count);
        if (state.steps().runs(all)) {
            state.kernels()
                    .plain("pointwise.cu", "add")
                    .with(CudaBuffer.of(in))
                    .with(all)
                    .with(CudaBuffer.of(out))
                    .launch(state.stream(), blocks(all), 1, 1, THREADS, 0);
        }
    }

    private int blocks(long values) {
        return (int) Math.clamp(
                (values + THREADS - 1) / THREADS, 1, 8L * state.device().multiprocessors());
    }

    @Override
    public void matmul(Buffer in, int rows, Weight weight, Weight bias, Activation activation, Buffer out) {
        multiply(in, new Products.Request(rows, null, CudaWeight.of(weight), bias, activation, false, false), out);
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
        CudaWeight matrix = CudaWeight.of(weight);
        if (norm == null || !state.products().normalizes(state.steps().padded(rows), matrix)) {
            Backend.super.normMatmul(in, rows, norm, weight, bias, activation, normed, out);
        } else {
            multiply(in, new Products.Request(rows, norm, matrix, bias, activation, false, false), out);
        }
    }

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
        CudaWeight matrix = CudaWeight.of(weight);
        int all = state.steps().padded(rows);
        if (!state.products().gates(all, matrix)) {
            Backend.super.normMatmulGate(in, rows, norm, weight, bias, activation, normed, gateUp, out);
            return;
        }
        boolean fused = norm != null && state.products().normalizes(all, matrix);
        if (norm != null && !fused) {
            norm(in, rows, weight.columns(), norm, normed);
        }
        Buffer from = norm == null || fused ? in : normed;
        multiply(from, new Products.Request(rows, fused ? norm : null, matrix, bias, activation, false, true), out);
    }

    @Override
    public void matmulAdd(Buffer in, int rows, Weight weight, Weight bias, Buffer product, Buffer sum) {
        Products.Request request =
                new Products.Request(rows, null, CudaWeight.of(weight), bias, Activation.NONE, true, false);
        multiply(in, request, sum);
    }

    private void multiply(Buffer in, Products.Request request, Buffer out) {
        state.enter();
        int rows = state.steps().padded(request.rows());
        if (state.steps().runs(rows)) {
            Products.Request all = new Products.Request(
                    rows,
                    request.norm(),
                    request.weight(),
                    request.bias(),
                    request.activation(),
                    request.accumulate(),
                    request.gate());
            state.products().run(all, CudaBuffer.of(in), CudaBuffer.of(out));
        }
    }

    @Override
    public void storeKv(Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv) {
        state.enter();
        Attention.Placed placed = state.attention().place(metadata, state.steps(), state.block());
        if (state.steps().runs(placed.tokens())) {
            state.attention()
                    .ropeAndStore(CudaBuffer.of(qkv), heads, placed.tokens(), 0, 0, placed.slots(), (CudaKv) kv);
        }
    }

    @Override
    public void attention(
            Buffer qkv, HeadLayout heads, AttentionMetadata metadata, KvLayer kv, AttentionRule rule, Buffer out) {
        state.enter();
        Attention.Placed placed = state.attention().place(metadata, state.steps(), state.block());
        if (state.steps().runs(placed.tokens())) {
            state.attention().attend(CudaBuffer.of(qkv), heads, placed, (CudaKv) kv, rule, CudaBuffer.of(out));
        }
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
        state.enter();
        long turned = rotaryDim == 0 ? 0 : angles(angles, metadata.tokenCount(), rotaryDim);
        Attention.Placed placed = state.attention().place(metadata, state.steps(), state.block());
        if (state.steps().runs(placed.tokens())) {
            CudaMemory rows = CudaBuffer.of(qkv);
            state.attention()
                    .ropeAndStore(rows, heads, placed.tokens(), turned, rotaryDim, placed.slots(), (CudaKv) kv);
            state.attention().attend(rows, heads, placed, (CudaKv) kv, rule, CudaBuffer.of(out));
        }
    }

    @Override
    public void gatherRows(Buffer in, int[] rows, int count, int columns, Buffer out) {
        state.enter();
        int all = state.steps().padded(count);
        long address = state.block().find(rows);
        long placed = address == 0 ? state.block().ints(rows, rows, count, all - count, 0) : address;
        if (state.steps().runs(all)) {
            state.kernels()
                    .plain("pointwise.cu", "gather_rows")
                    .with(CudaBuffer.of(in))
                    .address(placed)
                    .with(all)
                    .with(columns)
                    .with(CudaBuffer.of(out))
                    .launch(state.stream(), blocks((long) all * columns), 1, 1, THREADS, 0);
        }
    }

    @Override
    public void readLogits(Buffer logits, int index, int columns, float[] into) {
        state.enter();
        long bytes = 4L * columns;
        if (row == null || row.segment().byteSize() < bytes) {
            if (row != null) {
                row.close();
            }
            row = new PinnedMemory(bytes);
        }
        CudaBuffer.of(logits).copyTo(row, 0, bytes * index, bytes, state.stream());
        state.stream().synchronize();
        MemorySegment.copy(row.segment(), ValueLayout.JAVA_FLOAT, 0, into, 0, columns);
    }

    @Override
    public boolean draw(Buffer logits, int columns, Draws draws) {
        state.enter();
        state.sampling().start(CudaBuffer.of(logits), columns, draws);
        return true;
    }

    @Override
    public void readDrawn(int[] tokens) {
        state.enter();
        state.sampling().finish(tokens);
    }

    CudaState state() {
        return state;
    }

    /** All parts of all weights, in the order they came. */
    List<CudaWeight.Part> uploaded() {
        return uploaded;
    }

    /** Recorded passes launched so far. */
    long replays() {
        return state.steps().replays();
    }

    @Override
    public void close() {
        state.close(row == null ? List.of() : List.of(row));
        row = null;
    }
}
