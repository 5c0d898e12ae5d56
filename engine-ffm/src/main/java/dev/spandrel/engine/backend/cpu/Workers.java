package dev.spandrel.engine.backend.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Platform threads that share the tasks of one verb. The calling thread works too; the others spin for a while after a
 * job, since the next verb comes within microseconds, and then park so that an idle server costs nothing. A task that
 * throws ends its job with that exception; the workers live on.
 */
final class Workers implements AutoCloseable {
    /** About 50 µs: longer than the gap between two verbs of a step, shorter than anybody notices. */
    private static final int SPINS = 2_000;

    /** A task's number and the worker that runs it, 0 being the caller. */
    @FunctionalInterface
    interface Task {
        void run(int task, int worker);
    }

    /**
     * One call of {@link #run}. Tasks are claimed one by one until none is left; a worker that wakes too late finds the
     * job closed and is not waited for, so a busy machine costs parallelism, never a stall.
     */
    private static final class Job {
        private static final int CLOSED = Integer.MIN_VALUE;

        private final Task task;
        private final int tasks;
        private final AtomicInteger next = new AtomicInteger();
        /** Workers inside, plus CLOSED once nobody may enter. */
        private final AtomicInteger inside = new AtomicInteger();

        private volatile Throwable failure;

        Job(Task task, int tasks) {
            this.task = task;
            this.tasks = tasks;
        }

        void join(int worker) {
            int now = inside.get();
            while (now >= 0 && !inside.compareAndSet(now, now + 1)) {
                now = inside.get();
            }
            if (now >= 0) {
                work(worker);
                inside.decrementAndGet();
            }
        }

        void work(int worker) {
            try {
                for (int i = next.getAndIncrement(); i < tasks; i = next.getAndIncrement()) {
                    task.run(i, worker);
                }
            } catch (RuntimeException | Error e) {
                failure = e;
                next.set(tasks);
            }
        }

        /** Waits for those inside, then tells what went wrong. */
        void finish() {
            inside.addAndGet(CLOSED);
            while (inside.get() != CLOSED) {
                Thread.onSpinWait();
            }
            if (failure instanceof RuntimeException e) {
                throw e;
            }
            if (failure instanceof Error e) {
                throw e;
            }
        }
    }

    private final Thread[] threads;
    private volatile Job job;
    private volatile int generation;
    private volatile boolean closed;

    /** @param count threads that work at a time, the caller included; at least 1 */
    Workers(int count) {
        threads = new Thread[count - 1];
        for (int i = 0; i < threads.length; i++) {
            int worker = i + 1;
            threads[i] =
                    Thread.ofPlatform().daemon().name("spandrel-cpu-" + worker).start(() -> loop(worker));
        }
    }

    /** Threads that work at a time, the caller included. */
    int count() {
        return threads.length + 1;
    }

    /** Runs {@code task} for 0 to {@code tasks − 1} and returns when all are done. One caller at a time. */
    void run(int tasks, Task task) {
        if (threads.length == 0 || tasks == 1) {
            for (int i = 0; i < tasks; i++) {
                task.run(i, 0);
            }
            return;
        }
        Job mine = new Job(task, tasks);
        job = mine;
        generation++;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
        mine.work(0);
        mine.finish();
        job = null;
    }

    private void loop(int worker) {
        int seen = 0;
        while (!closed) {
            seen = await(seen);
            Job current = job;
            if (current != null) {
                current.join(worker);
            }
        }
    }

    /** Waits for a generation other than {@code seen}, or for the end. */
    private int await(int seen) {
        for (int spins = 0; generation == seen && !closed; spins++) {
            if (spins < SPINS) {
                Thread.onSpinWait();
            } else {
                LockSupport.park(this);
            }
        }
        return generation;
    }

    @Override
    public void close() {
        closed = true;
        for (Thread thread : threads) {
            LockSupport.unpark(thread);
        }
    }
}
