package dev.spandrel.engine.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/**
 * Has pages of keys and values there before a step writes to them: the first write waits while the system zeroes 2 MiB, 0.2 ms, on a virtual
 * machine whose host must find the memory first some 5 ms, and all threads wait with it. Blocks are handed out lowest first, so each part of
 * the cache is kept a little ahead of the highest that is in use, and a cache that is never filled takes no more than it did. A thread of its
 * own does it, which sleeps otherwise and ends where the system cannot.
 */
final class KvPages implements Runnable, AutoCloseable {
    /** Bytes of a part that are there ahead of what is in use; a page of the largest kind. */
    private static final long AHEAD = 2L << 20;

    /** Memory that is used from its beginning on. */
    static final class Part {
        private final MemorySegment memory;
        private volatile long wanted;
        private long there;

        private Part(MemorySegment memory) {
            this.memory = memory;
        }

        long byteSize() {
            return memory.byteSize();
        }

        private boolean isBehind() {
            return there < wanted;
        }
    }

    private final List<Part> parts = new CopyOnWriteArrayList<>();
    private Thread thread;
    private volatile boolean closed;

    /** Looks after memory from now on; its first pages come at once. The engine's thread only. */
    Part add(MemorySegment memory) {
        Part part = new Part(memory);
        parts.add(part);
        if (thread == null) {
            thread = Thread.ofPlatform().daemon().name("spandrel-kv-pages").start(this);
        }
        want(part, 0);
        return part;
    }

    /** So much of a part is in use; what comes next is prepared, in steps of a page. */
    void want(Part part, long used) {
        if (used + AHEAD / 2 >= part.wanted && part.wanted < part.memory.byteSize()) {
            part.wanted = Math.min(part.memory.byteSize(), used + AHEAD + AHEAD / 2);
            LockSupport.unpark(thread);
        }
    }

    /** For tests; null before the first part. */
    Thread thread() {
        return thread;
    }

    @Override
    public void run() {
        while (!closed) {
            Part next = furthestBehind();
            if (next == null) {
                LockSupport.park(this);
            } else {
                long to = Math.min(next.wanted, next.there + AHEAD);
                closed |= !LargeMemory.populate(next.memory.asSlice(next.there, to - next.there));
                next.there = to;
            }
        }
    }

    private Part furthestBehind() {
        Part found = null;
        for (Part part : parts) {
            if (part.isBehind() && (found == null || part.there < found.there)) {
                found = part;
            }
        }
        return found;
    }

    /** Waits for the page that is being prepared; afterwards memory may go. */
    @Override
    public void close() {
        closed = true;
        if (thread == null) {
            return;
        }
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
