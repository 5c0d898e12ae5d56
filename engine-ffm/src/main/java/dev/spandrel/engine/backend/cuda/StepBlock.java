package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.cuda.CudaException;
import dev.spandrel.engine.cuda.CudaMemory;
import dev.spandrel.engine.cuda.CudaStream;
import dev.spandrel.engine.cuda.PinnedMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * What changes from step to step: token ids, positions, block tables, angles. The host writes it into pinned memory, a copy
 * takes it to the same place on the device. Within a step an array comes once, however often verbs are given it; and steps
 * that ask for the same in the same order find it at the same addresses, which is what a recorded step lives from. Pinned
 * memory is there twice and used in turn, so that a step is written while the one before it is still on its way; on the
 * device a step's copies come behind what the one before it reads.
 */
final class StepBlock implements AutoCloseable {
    private static final int ALIGNMENT = 256;

    private final CudaStream stream;
    private final PinnedMemory[] hosts = new PinnedMemory[2];
    private final CudaMemory device;
    private final Map<Object, Long> known = new IdentityHashMap<>();
    private long used;
    private boolean gathers;
    private boolean inStep;
    private int turn;
    /** Something may be on its way that no step stands for. */
    private boolean loose;

    StepBlock(long bytes, CudaStream stream) {
        this.stream = stream;
        try {
            hosts[0] = new PinnedMemory(bytes);
            hosts[1] = new PinnedMemory(bytes);
            device = CudaMemory.allocate(bytes);
        } catch (CudaException e) {
            Closing.all(held());
            throw e;
        }
    }

    private List<AutoCloseable> held() {
        return Stream.<AutoCloseable>of(hosts).filter(Objects::nonNull).toList();
    }

    /**
     * A step begins; the stream must have passed the last one that had this turn.
     *
     * @param turn 0 or 1
     * @param gather whether copies wait for {@link #send}
     */
    void begin(int turn, boolean gather) {
        if (loose) {
            stream.synchronize();
            loose = false;
        }
        this.turn = turn;
        used = 0;
        known.clear();
        gathers = gather;
        inStep = true;
    }

    void end() {
        gathers = false;
        inStep = false;
        known.clear();
    }

    /** The step failed half-way, and nothing marks where its copies end. */
    void abandon() {
        loose = true;
        end();
    }

    private PinnedMemory host() {
        return hosts[turn];
    }

    /** Enqueues what was gathered. */
    void send() {
        if (used > 0) {
            device.copyFrom(host(), 0, 0, used, stream);
        }
    }

    /** Device address of what was put for this key in this step, or 0. */
    long find(Object key) {
        return inStep ? known.getOrDefault(key, 0L) : 0;
    }

    /** Device address of {@code count} ints, followed by {@code padding} more of a given value. */
    long ints(Object key, int[] values, int count, int padding, int filler) {
        long at = reserve(4L * (count + padding));
        MemorySegment.copy(values, 0, host().segment(), ValueLayout.JAVA_INT, at, count);
        for (int i = 0; i < padding; i++) {
            host().segment().set(ValueLayout.JAVA_INT, at + 4L * (count + i), filler);
        }
        return put(key, at, 4L * (count + padding));
    }

    /** Device address of {@code count} floats, followed by {@code padding} zeros. */
    long floats(Object key, float[] values, int count, int padding) {
        long at = reserve(4L * (count + padding));
        MemorySegment.copy(values, 0, host().segment(), ValueLayout.JAVA_FLOAT, at, count);
        host().segment().asSlice(at + 4L * count, 4L * padding).fill((byte) 0);
        return put(key, at, 4L * (count + padding));
    }

    private long reserve(long bytes) {
        if (used + bytes > device.bytes()) {
            if (gathers || bytes > device.bytes()) {
                throw new IllegalStateException("a step needs more than " + device.bytes() + " bytes of input: "
                        + (used + bytes) + "; lower --max-num-batched-tokens or --max-num-seqs");
            }
            // What lies at the front is still needed where it lies: only the copies must have left.
            stream.synchronize();
            used = 0;
            known.clear();
        }
        return used;
    }

    private long put(Object key, long at, long bytes) {
        if (!gathers) {
            device.copyFrom(host(), at, at, bytes, stream);
            loose |= !inStep;
        }
        used = (at + bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        long address = device.address() + at;
        if (inStep && key != null) {
            known.put(key, address);
        }
        return address;
    }

    long bytes() {
        return device.bytes();
    }

    @Override
    public void close() {
        List<AutoCloseable> all = new ArrayList<>(held());
        all.add(device);
        Closing.all(all);
    }
}
