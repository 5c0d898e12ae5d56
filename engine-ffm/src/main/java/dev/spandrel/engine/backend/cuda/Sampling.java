package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.PinnedMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Draws tokens where the logits are: a copy in, or two where scores are changed before, a kernel each, and four bytes a row back. */
final class Sampling implements AutoCloseable {
    private static final int THREADS = 1024;
    /** Uniform (8), row, inverse temperature, top-k, top-p, min-p, state, token (4 each). */
    private static final int ROW_BYTES = 36;

    private static final int STATE = 7;
    private static final int TOKEN = 8;

    private final CudaKernels kernels;
    private final CudaStream stream;
    private final ChangedScores changed;
    private PinnedMemory host;
    private CudaMemory device;
    private int room;
    private int pending;

    Sampling(CudaKernels kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
        changed = new ChangedScores(kernels, stream);
    }

    void start(CudaMemory logits, int columns, Draws draws) {
        int count = draws.count();
        reserve(count);
        MemorySegment in = host.segment();
        for (int i = 0; i < count; i++) {
            in.setAtIndex(ValueLayout.JAVA_DOUBLE, i, draws.uniform(i));
            in.set(ValueLayout.JAVA_INT, at(2, i), draws.row(i));
            in.set(ValueLayout.JAVA_FLOAT, at(3, i), draws.inverseTemperature(i));
            in.set(ValueLayout.JAVA_INT, at(4, i), draws.topK(i));
            in.set(ValueLayout.JAVA_FLOAT, at(5, i), draws.topP(i));
            in.set(ValueLayout.JAVA_FLOAT, at(6, i), draws.minP(i));
            in.set(ValueLayout.JAVA_INT, at(STATE, i), 0);
        }
        device.copyFrom(host, 0, 0, at(TOKEN, 0), stream);
        if (draws.changes().rows() > 0) {
            changed.apply(logits, columns, device.address() + at(2, 0), draws, device.address() + at(STATE, 0));
        }
        kernels.plain("sample.cu", "sample")
                .with(logits)
                .with(columns)
                .address(device.address() + at(2, 0))
                .address(device.address() + at(3, 0))
                .address(device.address() + at(4, 0))
                .address(device.address() + at(5, 0))
                .address(device.address() + at(6, 0))
                .address(device.address() + at(STATE, 0))
                .with(device)
                .address(device.address() + at(TOKEN, 0))
                .launch(stream, count, 1, 1, THREADS, 0);
        device.copyTo(host, at(TOKEN, 0), at(TOKEN, 0), 4L * count, stream);
        pending = count;
    }

    /** Where the {@code field}-th stretch of four bytes a row has row {@code index}; the first two are the uniforms. */
    private long at(int field, int index) {
        return 4L * (field * room + index);
    }

    private void reserve(int count) {
        if (count > room) {
            release();
            int wanted = Math.max(16, Integer.highestOneBit(count) * 2);
            host = new PinnedMemory((long) ROW_BYTES * wanted);
            device = CudaMemory.allocate((long) ROW_BYTES * wanted);
            room = wanted;
        }
    }

    /** The tokens, once the device has drawn them. */
    void finish(int[] tokens) {
        stream.synchronize();
        MemorySegment.copy(host.segment(), ValueLayout.JAVA_INT, at(TOKEN, 0), tokens, 0, pending);
    }

    @Override
    public void close() {
        try {
            release();
        } finally {
            changed.close();
        }
    }

    private void release() {
        room = 0;
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
