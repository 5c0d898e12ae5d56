package dev.spandrel.engine.cuda;

import dev.spandrel.cuda.bindings.driver.cuda_h;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Device memory: an address and its size. Freed by whoever allocated it; a stretch of another's memory is never closed by
 * itself.
 */
public final class CudaMemory implements AutoCloseable {
    private final long address;
    private final long bytes;
    private final boolean owned;
    private boolean closed;

    private CudaMemory(long address, long bytes, boolean owned) {
        this.address = address;
        this.bytes = bytes;
        this.owned = owned;
    }

    /** @throws CudaException {@link CudaException#isOutOfMemory} when there is no such stretch */
    public static CudaMemory allocate(long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ValueLayout.JAVA_LONG);
            Driver.check("cuMemAlloc_v2", cuda_h.cuMemAlloc_v2(out, bytes));
            return new CudaMemory(out.get(ValueLayout.JAVA_LONG, 0), bytes, true);
        }
    }

    /** Bytes {@code offset} to {@code offset + size − 1} of this memory, which stays the owner. */
    public CudaMemory slice(long offset, long size) {
        if (offset < 0 || size < 0 || offset > bytes - size) {
            throw new IllegalArgumentException("bytes " + offset + " to " + (offset + size) + " of " + bytes);
        }
        return new CudaMemory(address + offset, size, false);
    }

    public long address() {
        return address;
    }

    public long bytes() {
        return bytes;
    }

    /** Enqueues zeros over all of it. */
    public void clear(CudaStream stream) {
        if (bytes > 0) {
            Driver.check("cuMemsetD8Async", cuda_h.cuMemsetD8Async(address, (byte) 0, bytes, stream.handle()));
        }
    }

    /** Enqueues a copy from pinned memory, which must stay as it is until the stream has passed it. */
    public void copyFrom(PinnedMemory host, long hostOffset, long offset, long size, CudaStream stream) {
        check(offset, size);
        MemorySegment source = host.segment().asSlice(hostOffset, size);
        Driver.check(
                "cuMemcpyHtoDAsync_v2", cuda_h.cuMemcpyHtoDAsync_v2(address + offset, source, size, stream.handle()));
    }

    /** Enqueues a copy into pinned memory, which may be read once the stream has passed it. */
    public void copyTo(PinnedMemory host, long hostOffset, long offset, long size, CudaStream stream) {
        check(offset, size);
        MemorySegment target = host.segment().asSlice(hostOffset, size);
        Driver.check(
                "cuMemcpyDtoHAsync_v2", cuda_h.cuMemcpyDtoHAsync_v2(target, address + offset, size, stream.handle()));
    }

    private void check(long offset, long size) {
        if (offset < 0 || size < 0 || offset > bytes - size) {
            throw new IllegalArgumentException("bytes " + offset + " to " + (offset + size) + " of " + bytes);
        }
    }

    @Override
    public void close() {
        if (owned && !closed) {
            closed = true;
            Driver.check("cuMemFree_v2", cuda_h.cuMemFree_v2(address));
        }
    }
}
