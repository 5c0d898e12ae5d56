package dev.spandrel.engine.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Zeroed memory for weights and keys, in huge pages where Linux gives them for the asking. On a virtual machine, where every
 * miss of the translation cache walks two page tables, two cores read 57 GB/s through pages of 2 MiB and 36 through pages of
 * 4 KiB (docs/benchmarks.md). Elsewhere, and where the system says no, memory comes from the arena as it is. Not for
 * several threads at once.
 */
@SuppressWarnings("restricted") // Mapping memory is what it is for.
final class LargeMemory {
    private static final long HUGE_PAGE = 2L << 20;
    /** Matrices share chunks, since each would end in half a huge page; what is never touched is never there. */
    private static final long CHUNK = 64L << 20;

    private static final int READ_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS = 0x22;
    private static final int MADV_HUGEPAGE = 14;

    private final Arena arena;
    private MemorySegment chunk = MemorySegment.NULL;
    private boolean refused = !System.getProperty("os.name").equals("Linux");

    LargeMemory(Arena arena) {
        this.arena = arena;
    }

    /** Lives as long as the arena; 64-byte aligned. */
    MemorySegment allocate(long bytes) {
        long size = (bytes + VectorConstants.ALIGNMENT - 1) / VectorConstants.ALIGNMENT * VectorConstants.ALIGNMENT;
        if (size > chunk.byteSize() && !refused) {
            MemorySegment next = map((Math.max(size, CHUNK) + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
            refused = next == null;
            chunk = refused ? MemorySegment.NULL : next;
        }
        if (size > chunk.byteSize()) {
            return arena.allocate(bytes, VectorConstants.ALIGNMENT);
        }
        MemorySegment taken = chunk.asSlice(0, bytes);
        chunk = chunk.asSlice(size);
        return taken;
    }

    /** Null when there is none to be had this way. */
    private MemorySegment map(long size) {
        // One huge page more, to begin on the boundary of one.
        long mapped = size + HUGE_PAGE;
        try {
            long at = (long) Calls.MMAP.invokeExact(0L, mapped, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
            if (at == -1) {
                return null;
            }
            long from = (at + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
            // Refused where huge pages are switched off; the memory is as good as any other then.
            int advised = (int) Calls.MADVISE.invokeExact(from, size, MADV_HUGEPAGE);
            assert advised == 0 || advised == -1;
            return MemorySegment.ofAddress(from).reinterpret(size, arena, _ -> unmap(at, mapped));
        } catch (Throwable e) {
            return null;
        }
    }

    private static void unmap(long at, long size) {
        try {
            int done = (int) Calls.MUNMAP.invokeExact(at, size);
            assert done == 0;
        } catch (Throwable e) {
            throw new IllegalStateException("munmap cannot be called", e);
        }
    }

    /** Bound when first needed, which is never outside Linux. */
    private static final class Calls {
        private static final Linker LINKER = Linker.nativeLinker();
        private static final SymbolLookup C = LINKER.defaultLookup();
        static final MethodHandle MMAP = LINKER.downcallHandle(
                C.findOrThrow("mmap"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        static final MethodHandle MADVISE = LINKER.downcallHandle(
                C.findOrThrow("madvise"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        static final MethodHandle MUNMAP = LINKER.downcallHandle(
                C.findOrThrow("munmap"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    }
}
