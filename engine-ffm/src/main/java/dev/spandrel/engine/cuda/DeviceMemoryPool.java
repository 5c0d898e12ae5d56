package dev.spandrel.engine.cuda;

import java.util.ArrayList;
import java.util.List;

/**
 * Device memory for as long as the pool lives, carved from slabs so that the driver is asked seldom; a piece too large for
 * the rest of a slab gets one of its own size. Pieces begin at multiples of 256 bytes, as the driver's own do. Nothing is
 * given back before {@link #close}.
 */
public final class DeviceMemoryPool implements AutoCloseable {
    private static final long ALIGNMENT = 256;

    private final long slabBytes;
    private final List<CudaMemory> slabs = new ArrayList<>();
    private CudaMemory current;
    private long used;
    private volatile long taken;

    /** @param slabBytes size of a slab; 0 = each piece is an allocation of its own, so that what lies beyond it is not ours */
    public DeviceMemoryPool(long slabBytes) {
        this.slabBytes = slabBytes;
    }

    /** @throws CudaException {@link CudaException#isOutOfMemory} when the device has no room */
    public CudaMemory take(long bytes) {
        long size = Math.ceilDiv(Math.max(1, bytes), ALIGNMENT) * ALIGNMENT;
        taken = taken + size;
        if (slabBytes == 0 || size > slabBytes / 2) {
            CudaMemory own = CudaMemory.allocate(slabBytes == 0 ? Math.max(1, bytes) : size);
            slabs.add(own);
            return own.slice(0, bytes);
        }
        if (current == null || used + size > current.bytes()) {
            current = CudaMemory.allocate(slabBytes);
            slabs.add(current);
            used = 0;
        }
        CudaMemory piece = current.slice(used, bytes);
        used += size;
        return piece;
    }

    /** Bytes handed out, rounded up to the alignment. */
    public long takenBytes() {
        return taken;
    }

    @Override
    public void close() {
        CudaException first = null;
        for (CudaMemory slab : slabs.reversed()) {
            try {
                slab.close();
            } catch (CudaException e) {
                first = first == null ? e : first;
            }
        }
        slabs.clear();
        current = null;
        if (first != null) {
            throw first;
        }
    }
}
