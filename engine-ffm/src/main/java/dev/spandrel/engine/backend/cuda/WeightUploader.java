package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.WeightFormat;
import dev.spandrel.engine.backend.WeightRows;
import dev.spandrel.engine.cuda.CudaEvent;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.DeviceMemoryPool;
import dev.spandrel.engine.cuda.PinnedMemory;
import dev.spandrel.engine.tensor.DType;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Copies weights from the mapped file to the device through two pinned buffers: while one is on its way, the other is filled.
 * A buffer is written again only after the event behind its copy. Several threads fill one: the bus takes more than one of them
 * reads from the file.
 */
final class WeightUploader implements AutoCloseable {
    /** Below, threads cost more than they copy. */
    private static final long BYTES_PER_TASK = 1L << 20;

    private static final int TASKS = Math.min(8, Runtime.getRuntime().availableProcessors());

    private final DeviceMemoryPool pool;
    private final CudaStream stream;
    private final long stagingBytes;
    private final List<PinnedMemory> staging = new ArrayList<>();
    private final List<CudaEvent> copied = new ArrayList<>();
    private int current;

    /** @param stagingBytes of each pinned buffer; one row more where a row is longer */
    WeightUploader(DeviceMemoryPool pool, CudaStream stream, long stagingBytes) {
        this.pool = pool;
        this.stream = stream;
        this.stagingBytes = stagingBytes;
    }

    /** Uploads a stack of tensors, each in the format that its stored type is kept in. */
    CudaWeight upload(Function<DType, WeightFormat> format, Tensor... parts) {
        List<CudaWeight.Part> uploaded = new ArrayList<>();
        int rows = 0;
        int columns = 0;
        for (WeightRows from : WeightRows.of(format, parts)) {
            boolean vector = parts[0].shape().size() == 1;
            uploaded.add(vector ? vector(from) : matrix(from));
            rows += from.rows();
            columns = from.columns();
        }
        stream.synchronize();
        return new CudaWeight(rows, columns, uploaded);
    }

    /** Values one after another, without padding. */
    private CudaWeight.Part vector(WeightRows from) {
        CudaMemory data = pool.take(4L * from.rows());
        float[] scratch = new float[1];
        int perStage = Math.clamp(stagingBytes / 4, 1, from.rows());
        for (int first = 0; first < from.rows(); first += perStage) {
            int count = Math.min(perStage, from.rows() - first);
            MemorySegment host = next().segment();
            for (int i = 0; i < count; i++) {
                from.read(first + i, host, 4L * i, scratch);
            }
            send(data, 4L * first, 0, 4L * count);
        }
        return new CudaWeight.Part(from.rows(), WeightFormat.F32, 1, data, null);
    }

    private CudaWeight.Part matrix(WeightRows from) {
        DeviceRows layout = new DeviceRows(from.format(), from.columns());
        long rowBytes = layout.rowBytes();
        long scaleBytes = layout.scaleBytes();
        CudaMemory data = pool.take(rowBytes * from.rows());
        CudaMemory scales = scaleBytes == 0 ? null : pool.take(scaleBytes * from.rows());
        int perStage = Math.clamp(stagingBytes / (rowBytes + scaleBytes), 1, from.rows());
        for (int first = 0; first < from.rows(); first += perStage) {
            int count = Math.min(perStage, from.rows() - first);
            long scalesAt = rowBytes * count;
            MemorySegment host =
                    next(Math.max(stagingBytes, rowBytes + scaleBytes)).segment();
            fill(from, layout, first, count, host, scalesAt);
            if (scales != null) {
                scales.copyFrom(staging.get(current), scalesAt, scaleBytes * first, scaleBytes * count, stream);
            }
            send(data, rowBytes * first, 0, rowBytes * count);
        }
        return new CudaWeight.Part(from.rows(), from.format(), layout.pitch(), data, scales);
    }

    /** Rows {@code first} to {@code first + count − 1}, in as many stripes as there is work for. */
    private static void fill(
            WeightRows from, DeviceRows layout, int first, int count, MemorySegment host, long scalesAt) {
        long bytes = (layout.rowBytes() + layout.scaleBytes()) * count;
        int tasks = Math.clamp(bytes / BYTES_PER_TASK, 1, Math.min(count, TASKS));
        IntStream stripes = IntStream.range(0, tasks);
        (tasks == 1 ? stripes : stripes.parallel())
                .forEach(task -> fill(
                        from,
                        layout,
                        first,
                        (int) ((long) count * task / tasks),
                        (int) ((long) count * (task + 1) / tasks),
                        host,
                        scalesAt));
    }

    private static void fill(
            WeightRows from, DeviceRows layout, int first, int begin, int end, MemorySegment host, long scalesAt) {
        float[] scratch = new float[from.columns()];
        if (layout.asRead()) {
            for (int i = begin; i < end; i++) {
                from.read(first + i, host, layout.rowBytes() * i, scratch);
            }
            return;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate(layout.hostBytes());
            for (int i = begin; i < end; i++) {
                from.read(first + i, row, 0, scratch);
                layout.split(row, host, layout.rowBytes() * i, host, scalesAt + layout.scaleBytes() * i);
            }
        }
    }

    private void send(CudaMemory to, long at, long from, long bytes) {
        to.copyFrom(staging.get(current), from, at, bytes, stream);
        copied.get(current).record(stream);
    }

    private PinnedMemory next() {
        return next(stagingBytes);
    }

    /** The other buffer, once its last copy is done. */
    private PinnedMemory next(long bytes) {
        while (staging.size() < 2) {
            staging.add(new PinnedMemory(stagingBytes));
            copied.add(new CudaEvent());
        }
        current = 1 - current;
        copied.get(current).synchronize();
        if (staging.get(current).segment().byteSize() < bytes) {
            PinnedMemory larger = new PinnedMemory(bytes);
            staging.get(current).close();
            staging.set(current, larger);
        }
        return staging.get(current);
    }

    /** Gives the staging back; the next upload takes it anew. */
    @Override
    public void close() {
        List<AutoCloseable> all = new ArrayList<>(staging);
        all.addAll(copied);
        staging.clear();
        copied.clear();
        Closing.all(all);
    }
}
