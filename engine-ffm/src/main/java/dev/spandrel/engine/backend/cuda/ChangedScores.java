package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.DeviceMemoryPool;
import dev.spandrel.engine.cuda.PinnedMemory;
import dev.spandrel.engine.sampling.ScoreChanges;
import dev.spandrel.engine.sampling.TokenCounts;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Changes rows of logits in place before tokens are drawn: what is allowed, biases and penalties, in one copy and one launch.
 * What penalties count stays on the device between draws.
 */
final class ChangedScores implements AutoCloseable {
    private static final int THREADS = 1024;
    /** Token, bias. */
    private static final int CHANGE_BYTES = 8;
    /** Draw, mask, first change, changes, first update, updates, first count, counts, repetition, frequency, presence. */
    private static final int TARGET_BYTES = 44;

    private final CudaKernels kernels;
    private final CudaStream stream;
    private PinnedMemory host;
    private CudaMemory device;
    private final KeptCounts kept;
    private long sent;

    ChangedScores(CudaKernels kernels, CudaStream stream, DeviceMemoryPool pool) {
        this.kernels = kernels;
        this.stream = stream;
        kept = new KeptCounts(pool, Draws.MOST_COUNTS);
    }

    /** Bytes that the last draw's changes took to the device. */
    long sentBytes() {
        return sent;
    }

    /**
     * Enqueues it; what was enqueued before must have been waited for.
     *
     * @param rows device address of the rows of the draws
     * @param states device address of what the draws' rows are, in ints
     */
    void apply(CudaMemory logits, int columns, long rows, Draws draws, long states) {
        try {
            send(logits, columns, rows, draws, states);
        } catch (CudaException e) {
            kept.forget();
            throw e;
        }
    }

    private void send(CudaMemory logits, int columns, long rows, Draws draws, long states) {
        ScoreChanges changes = draws.changes();
        int updates = kept.place(changes);
        // Masks first: they are read in words of 8 bytes on the host.
        long changesAt = 8L * changes.maskWords();
        long updatesAt = changesAt + (long) CHANGE_BYTES * changes.count();
        long targetsAt = updatesAt + (long) KeptCounts.UPDATE_BYTES * updates;
        sent = targetsAt + (long) TARGET_BYTES * changes.rows();
        reserve(sent);
        MemorySegment in = host.segment();
        MemorySegment.copy(changes.masks(), 0, in, ValueLayout.JAVA_LONG, 0, changes.maskWords());
        for (int i = 0; i < changes.count(); i++) {
            long at = changesAt + (long) CHANGE_BYTES * i;
            in.set(ValueLayout.JAVA_INT, at, changes.token(i));
            in.set(ValueLayout.JAVA_FLOAT, at + 4, changes.bias(i));
        }
        int count = 0;
        int written = 0;
        for (int i = 0; i < draws.count(); i++) {
            int row = draws.changed(i);
            if (row >= 0) {
                long at = targetsAt + (long) TARGET_BYTES * count++;
                in.set(ValueLayout.JAVA_INT, at, i);
                // In words of 32 tokens, which on a little-endian machine are halves of those of 64.
                in.set(ValueLayout.JAVA_INT, at + 4, changes.maskAt(row) < 0 ? -1 : 2 * changes.maskAt(row));
                in.set(ValueLayout.JAVA_INT, at + 8, changes.begin(row));
                in.set(ValueLayout.JAVA_INT, at + 12, changes.end(row) - changes.begin(row));
                written += penalties(in, at + 16, changes, row, updatesAt, written);
            }
        }
        device.copyFrom(host, 0, 0, sent, stream);
        kernels.plain("sample.cu", "change")
                .with(logits)
                .with(columns)
                .address(rows)
                .address(device.address() + targetsAt)
                .with(device)
                .address(device.address() + changesAt)
                .address(device.address() + updatesAt)
                .with(kept.memory())
                .address(states)
                .launch(stream, count, 1, 1, THREADS, 0);
    }

    /** The part of a row's target about penalties, and its updates behind those that are written; how many. */
    private int penalties(MemorySegment in, long at, ScoreChanges changes, int row, long updatesAt, int written) {
        TokenCounts counts = changes.counts(row);
        int updates = counts == null ? 0 : kept.updates(counts);
        in.set(ValueLayout.JAVA_INT, at, written);
        in.set(ValueLayout.JAVA_INT, at + 4, updates);
        in.set(ValueLayout.JAVA_INT, at + 8, counts == null ? 0 : kept.at(counts));
        in.set(ValueLayout.JAVA_INT, at + 12, counts == null ? 0 : counts.size());
        in.set(ValueLayout.JAVA_FLOAT, at + 16, changes.repetition(row));
        in.set(ValueLayout.JAVA_FLOAT, at + 20, changes.frequency(row));
        in.set(ValueLayout.JAVA_FLOAT, at + 24, changes.presence(row));
        if (counts != null) {
            kept.write(counts, in, updatesAt + (long) KeptCounts.UPDATE_BYTES * written);
        }
        return updates;
    }

    private void reserve(long bytes) {
        if (device == null || device.bytes() < bytes) {
            close();
            long wanted = Math.max(4096, Long.highestOneBit(bytes) * 2);
            host = new PinnedMemory(wanted);
            device = CudaMemory.allocate(wanted);
        }
    }

    @Override
    public void close() {
        List<AutoCloseable> all = new ArrayList<>();
        if (host != null) {
            all.add(host);
        }
        if (device != null) {
            all.add(device);
        }
        host = null;
        device = null;
        Closing.all(all);
    }
}
