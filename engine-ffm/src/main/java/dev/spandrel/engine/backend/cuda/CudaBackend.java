package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.DeviceStats;
import dev.spandrel.engine.StepDetail;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
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
 * Memory, weights, passes and drawn tokens on one device; the verbs are above. One thread calls at a time; it may be another than
 * the one that opened. Nothing waits for the device but {@link #readLogits}, {@link #readDrawn} and uploads; what went wrong there
 * is thrown then, as {@code CudaException}.
 */
public final class CudaBackend extends CudaVerbs {
    private PinnedMemory row;
    private KvDType kvDType = KvDType.F32;
    private final List<CudaWeight.Part> uploaded = new ArrayList<>();

    /**
     * Opens the first visible device.
     *
     * @throws dev.spandrel.engine.cuda.CudaException when a call fails; everything begun is released before
     */
    public CudaBackend(CudaOptions options) {
        super(CudaState.open(options));
    }

    @Override
    public String description() {
        return "cuda (" + state().device().name() + ", " + state().device().architecture() + ", "
                + (state().device().totalBytes() >> 20) + " MiB, "
                + (state().options().exact() ? "exact" : "tensor cores for prompts") + ")";
    }

    @Override
    public Optional<DeviceStats> device() {
        return Optional.of(state().stats());
    }

    @Override
    public boolean recordsPasses() {
        return state().options().records() > 0;
    }

    @Override
    public Buffer allocate(long elements) {
        state().enter();
        CudaMemory memory = state().pool().take(4 * elements);
        memory.clear(state().stream());
        return new CudaBuffer(memory, elements);
    }

    @Override
    public KvLayer allocateKv(int blocks, int blockSize, HeadLayout heads, KvDType dtype) {
        state().enter();
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
        CudaMemory memory = state().pool().take(bytes);
        memory.clear(state().stream());
        return memory;
    }

    @Override
    public long availableBytes() {
        state().enter();
        return state().availableBytes();
    }

    @Override
    public OptionalLong kvBytes() {
        state().enter();
        return OptionalLong.of(state().availableBytes());
    }

    @Override
    public long bytes(DType stored, List<Long> shape) {
        return state().options().weights().bytes(stored, shape);
    }

    @Override
    public Weight upload(Tensor... parts) {
        boolean vector = parts[0].shape().size() == 1;
        return upload(vector ? _ -> WeightFormat.F32 : state().options().weights()::matrix, parts);
    }

    @Override
    public Weight uploadTable(Tensor table) {
        return upload(state().options().weights()::table, table);
    }

    private Weight upload(Function<DType, WeightFormat> format, Tensor... parts) {
        state().enter();
        CudaWeight weight = state().uploader().upload(format, parts);
        uploaded.addAll(weight.parts());
        switch (weight.parts().getFirst().format()) {
            case BF16 -> kvDType = KvDType.BF16;
            case F16 -> kvDType = KvDType.F16;
            default -> {}
        }
        return weight;
    }

    @Override
    public boolean runsAhead() {
        return true;
    }

    /** As 16-bit weights are; with F32 weights nothing is to be rounded. */
    @Override
    public KvDType kvDType() {
        return kvDType;
    }

    @Override
    public void beginStep(AttentionMetadata metadata, int logitRows) {
        state().enter();
        state().steps().begin(metadata, logitRows);
    }

    @Override
    public void endStep() {
        state().steps().end();
    }

    @Override
    public void abandonStep() {
        state().steps().abandon();
    }

    @Override
    public void watch(boolean watched) {
        state().steps().watch(watched);
    }

    @Override
    public List<StepDetail.DeviceTime> deviceTimes() {
        state().enter();
        return state().steps().deviceTimes();
    }

    @Override
    public void readLogits(Buffer logits, int index, int columns, float[] into) {
        state().enter();
        long bytes = 4L * columns;
        if (row == null || row.segment().byteSize() < bytes) {
            if (row != null) {
                row.close();
            }
            row = new PinnedMemory(bytes);
        }
        CudaBuffer.of(logits).copyTo(row, 0, bytes * index, bytes, state().stream());
        state().stream().synchronize();
        MemorySegment.copy(row.segment(), ValueLayout.JAVA_FLOAT, 0, into, 0, columns);
    }

    @Override
    public boolean draw(Buffer logits, int columns, Draws draws) {
        state().enter();
        if (!state().sampling().fits(draws.count())) {
            return false;
        }
        state().steps().draws(true);
        state().sampling().start(CudaBuffer.of(logits), columns, draws);
        state().steps().draws(false);
        return true;
    }

    @Override
    public boolean changesScores() {
        return true;
    }

    @Override
    public void readDrawn(int[] tokens) {
        state().enter();
        state().sampling().finish(tokens);
    }

    /** All parts of all weights, in the order they came. */
    List<CudaWeight.Part> uploaded() {
        return uploaded;
    }

    /** Recorded passes launched so far. */
    long replays() {
        return state().steps().replays();
    }

    /** Bytes that the last draw's changes of scores took to the device. */
    long sentChanges() {
        return state().sampling().sentChanges();
    }

    @Override
    public void close() {
        state().close(row == null ? List.of() : List.of(row));
        row = null;
    }
}
