package dev.spandrel.engine.backend.cpu;

import static dev.spandrel.engine.backend.cpu.VectorConstants.LANES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.PANEL;
import static dev.spandrel.engine.backend.cpu.VectorConstants.SPECIES;
import static dev.spandrel.engine.backend.cpu.VectorConstants.TILE_COLUMNS;

import dev.spandrel.engine.backend.Activation;
import dev.spandrel.engine.backend.AttentionMetadata;
import dev.spandrel.engine.backend.AttentionRule;
import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.HeadLayout;
import dev.spandrel.engine.backend.HostBuffer;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.KvLayer;
import dev.spandrel.engine.backend.MachineMemory;
import dev.spandrel.engine.backend.Weight;
import dev.spandrel.engine.tensor.Buffer;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The Vector API backend: weights packed once into off-heap panels, activations on the heap, verbs split over platform
 * threads. Weights are widened to F32 when uploaded, so nothing of a checkpoint is kept. Owns its memory and its threads;
 * {@link #close} releases both, after which no verb may be called.
 */
public final class CpuBackend implements Backend {
    /** Rows of C per task; a multiple of the tile, small enough that 64 cores find work in a prefill of 512. */
    private static final int ROW_BLOCK = 48;
    /** Multiply-adds below which waking another core costs more than it brings: some 3 µs of work. */
    private static final long WORTH_SPLITTING = 300_000;

    /** What one worker needs beside registers. */
    private static final class Scratch {
        final PagedAttention.Scratch attention = new PagedAttention.Scratch();
        final float[] lanes = new float[LANES];
        final float[] edge = new float[MatMulKernels.LARGEST_TILE * TILE_COLUMNS];
    }

    private final Arena arena = Arena.ofShared();
    private final Workers workers;
    private final Scratch[] scratch;
    /** Where a step's tokens are cut for attention. */
    private int[] tiles = new int[1024];

    /** @param threads threads that work at a time, the calling one included */
    public CpuBackend(int threads) {
        workers = new Workers(threads);
        scratch = new Scratch[threads];
        Arrays.setAll(scratch, i -> new Scratch());
    }

    @Override
    public String description() {
        return "cpu (" + SPECIES.vectorBitSize() + "-bit vectors, " + LANES + " lanes, " + workers.count()
                + (workers.count() == 1 ? " thread)" : " threads)");
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
        PagedKv kv = new PagedKv(arena, blocks, blockSize, heads, dtype);
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
    public Weight upload(Tensor... parts) {
        return PackedMatrix.pack(arena, workers, parts);
    }

    @Override
    public void embed(Weight table, int[] ids, int count, boolean accumulate, Buffer out) {
        PackedMatrix from = (PackedMatrix) table;
        float[] to = HostBuffer.of(out);
        int columns = from.columns();
        for (int t = 0; t < count; t++) {
            long at = PackedMatrix.offset(ids[t], columns);
            for (int c = 0; c < columns; c++) {
                float value = from.data().get(ValueLayout.JAVA_FLOAT, at + (long) c * PANEL * 4);
                int i = t * columns + c;
                to[i] = accumulate ? to[i] + value : value;
            }
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
        eachRow(
                rows,
                columns,
                (r, worker) -> PointwiseKernels.rmsNorm(
                        x, r * columns, columns, data(weight), epsilon, y, scratch[worker].lanes));
    }

    @Override
    public void normHeads(Buffer qkv, int rows, HeadLayout heads, Weight queries, Weight keys, float epsilon) {
        float[] x = HostBuffer.of(qkv);
        eachRow(rows, heads.columns(), (r, worker) -> {
            int row = r * heads.columns();
            float[] lanes = scratch[worker].lanes;
            for (int at = 0; at < heads.queryColumns(); at += queries.rows()) {
                PointwiseKernels.rmsNorm(x, row + at, queries.rows(), data(queries), epsilon, x, lanes);
            }
            for (int at = 0; at < heads.kvColumns(); at += keys.rows()) {
                int key = row + heads.queryColumns() + at;
                PointwiseKernels.rmsNorm(x, key, keys.rows(), data(keys), epsilon, x, lanes);
            }
        });
    }

    @Override
    public void rope(Buffer qkv, int rows, HeadLayout heads, int rotaryDim, float[] angles) {
        float[] x = HostBuffer.of(qkv);
        eachRow(rows, heads.columns(), (r, worker) -> {
            for (int h = 0; h < heads.heads() + heads.kvHeads(); h++) {
                int at = r * heads.columns() + h * heads.headDim();
                PointwiseKernels.rotate(x, at, rotaryDim / 2, angles, r * rotaryDim);
            }
        });
    }

    @Override
    public void gate(Buffer gateUp, int rows, int columns, Activation activation, Buffer out) {
        float[] x = HostBuffer.of(gateUp);
        float[] y = HostBuffer.of(out);
        eachRow(rows, 4 * columns, (r, worker) -> {
            int gate = r * 2 * columns;
            System.arraycopy(x, gate, y, r * columns, columns);
            ActivationKernels.apply(activation, y, r * columns, (r + 1) * columns);
            PointwiseKernels.multiply(x, gate + columns, y, r * columns, columns);
        });
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

    /** Rows are tasks of their own where there is work enough to wake another core. */
    private void eachRow(int rows, int work, Workers.Task task) {
        if ((long) rows * work < WORTH_SPLITTING) {
            for (int r = 0; r < rows; r++) {
                task.run(r, 0);
            }
        } else {
            workers.run(rows, task);
        }
    }

    @Override
    public void matmul(Buffer in, int rows, Weight weight, Weight bias, Activation activation, Buffer out) {
        PackedMatrix w = (PackedMatrix) weight;
        float[] a = HostBuffer.of(in);
        float[] c = HostBuffer.of(out);
        MemorySegment b = data(bias);
        int panels = w.panels();
        if ((long) rows * w.rows() * w.columns() < WORTH_SPLITTING) {
            for (int panel = 0; panel < panels; panel++) {
                MatMulKernels.panel(a, 0, rows, w, b, activation, panel, c, scratch[0].edge);
            }
            return;
        }
        int blocks = (rows + ROW_BLOCK - 1) / ROW_BLOCK;
        workers.run(panels * blocks, (task, worker) -> {
            int from = task / panels * ROW_BLOCK;
            MatMulKernels.panel(
                    a,
                    from,
                    Math.min(rows, from + ROW_BLOCK),
                    w,
                    b,
                    activation,
                    task % panels,
                    c,
                    scratch[worker].edge);
        });
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
        if (tiles.length <= metadata.tokenCount()) {
            tiles = new int[Math.max(metadata.tokenCount() + 1, 2 * tiles.length)];
        }
        PagedAttention attention =
                new PagedAttention(HostBuffer.of(qkv), heads, metadata, cache, rule, HostBuffer.of(out), tiles);
        for (Scratch each : scratch) {
            each.attention.reserve(attention.positions(), cache.paddedDim());
        }
        if (attention.work() < WORTH_SPLITTING) {
            for (int task = 0; task < attention.tasks(); task++) {
                attention.run(task, scratch[0].attention);
            }
            return;
        }
        workers.run(attention.tasks(), (task, worker) -> attention.run(task, scratch[worker].attention));
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
        return vector == null ? null : ((PackedMatrix) vector).data();
    }
}
