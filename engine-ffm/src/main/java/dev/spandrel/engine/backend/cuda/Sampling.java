package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.cuda.CudaEvent;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.DeviceMemoryPool;
import dev.spandrel.engine.cuda.PinnedMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Draws tokens where the logits are: a copy in, or two where scores are changed before, a kernel each, and four bytes a row back.
 * On the device the tokens stay where they are until the next draw, so that a pass can embed them before anybody has read them.
 */
final class Sampling implements AutoCloseable {
    private static final int THREADS = 1024;
    /** Uniform (8), row, inverse temperature, top-k, top-p, min-p, state, and on the host the token (4 each). */
    private static final int ROW_BYTES = 36;
    /** Tokens of one draw; 256 KiB. Their place must stay the same, since recorded passes know it. */
    private static final int MOST = 1 << 16;

    private static final int STATE = 7;
    private static final int TOKEN = 8;

    private final CudaKernels kernels;
    private final CudaStream stream;
    private final ChangedScores changed;
    private PinnedMemory host;
    private CudaMemory device;
    private int room;
    private int pending;
    private final CudaMemory tokens;
    private final CudaEvent drawn;
    private boolean unread;

    Sampling(CudaKernels kernels, CudaStream stream, DeviceMemoryPool pool) {
        this.kernels = kernels;
        this.stream = stream;
        tokens = pool.take(4L * MOST);
        drawn = new CudaEvent();
        changed = new ChangedScores(kernels, stream, pool);
    }

    /** Bytes that the last draw's changes of scores took to the device. */
    long sentChanges() {
        return changed.sentBytes();
    }

    /** Whether there is room for the tokens of so many rows. */
    boolean fits(int rows) {
        return rows <= MOST;
    }

    /** Device address of the tokens last drawn. */
    long tokens() {
        return tokens.address();
    }

    void start(CudaMemory logits, int columns, Draws draws) {
        int count = draws.count();
        if (unread) {
            // Nobody wanted the last ones, and what they were drawn with may still be on its way.
            stream.synchronize();
        }
        unread = true;
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
                .with(tokens)
                .launch(stream, count, 1, 1, THREADS, 0);
        tokens.copyTo(host, at(TOKEN, 0), 0, 4L * count, stream);
        drawn.record(stream);
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
            device = CudaMemory.allocate((long) (ROW_BYTES - 4) * wanted);
            room = wanted;
        }
    }

    /** The tokens, once the device has drawn them; what was enqueued behind them is not waited for. */
    void finish(int[] into) {
        drawn.synchronize();
        unread = false;
        MemorySegment.copy(host.segment(), ValueLayout.JAVA_INT, at(TOKEN, 0), into, 0, pending);
    }

    @Override
    public void close() {
        Closing.all(List.of(changed, drawn, this::release));
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
