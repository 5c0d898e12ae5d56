package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.PinnedMemory;
import dev.spandrel.engine.sampling.ScoreChanges;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Changes rows of logits in place before tokens are drawn: what is allowed, biases and penalties, in one copy and one launch. */
final class ChangedScores implements AutoCloseable {
    private static final int THREADS = 1024;
    /** Token, bias, repetition, less. */
    private static final int CHANGE_BYTES = 16;
    /** Draw, mask, first change, changes. */
    private static final int TARGET_BYTES = 16;

    private final CudaKernels kernels;
    private final CudaStream stream;
    private PinnedMemory host;
    private CudaMemory device;

    ChangedScores(CudaKernels kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
    }

    /**
     * Enqueues it; what was enqueued before must have been waited for.
     *
     * @param rows device address of the rows of the draws
     * @param states device address of what the draws' rows are, in ints
     */
    void apply(CudaMemory logits, int columns, long rows, Draws draws, long states) {
        ScoreChanges changes = draws.changes();
        long targetsAt = (long) CHANGE_BYTES * changes.count();
        long masksAt = targetsAt + (long) TARGET_BYTES * changes.rows();
        long bytes = masksAt + 8L * changes.maskWords();
        reserve(bytes);
        MemorySegment in = host.segment();
        for (int i = 0; i < changes.count(); i++) {
            long at = (long) CHANGE_BYTES * i;
            in.set(ValueLayout.JAVA_INT, at, changes.token(i));
            in.set(ValueLayout.JAVA_FLOAT, at + 4, changes.bias(i));
            in.set(ValueLayout.JAVA_FLOAT, at + 8, changes.repetition(i));
            in.set(ValueLayout.JAVA_FLOAT, at + 12, changes.less(i));
        }
        int count = 0;
        for (int i = 0; i < draws.count(); i++) {
            int row = draws.changed(i);
            if (row >= 0) {
                long at = targetsAt + (long) TARGET_BYTES * count++;
                in.set(ValueLayout.JAVA_INT, at, i);
                // In words of 32 tokens, which on a little-endian machine are halves of those of 64.
                in.set(ValueLayout.JAVA_INT, at + 4, changes.maskAt(row) < 0 ? -1 : 2 * changes.maskAt(row));
                in.set(ValueLayout.JAVA_INT, at + 8, changes.begin(row));
                in.set(ValueLayout.JAVA_INT, at + 12, changes.end(row) - changes.begin(row));
            }
        }
        MemorySegment.copy(changes.masks(), 0, in, ValueLayout.JAVA_LONG, masksAt, changes.maskWords());
        device.copyFrom(host, 0, 0, bytes, stream);
        kernels.plain("sample.cu", "change")
                .with(logits)
                .with(columns)
                .address(rows)
                .address(device.address() + targetsAt)
                .address(device.address() + masksAt)
                .with(device)
                .address(states)
                .launch(stream, count, 1, 1, THREADS, 0);
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
