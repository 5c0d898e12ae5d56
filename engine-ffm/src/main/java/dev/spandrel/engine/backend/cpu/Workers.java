package dev.spandrel.engine.backend.cpu;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Platform threads that share the tasks of one verb. The calling thread works too; the others spin for a while after a
 * job, since the next verb comes within microseconds, and then park so that an idle server costs nothing. A task that
 * throws ends its job with that exception; the workers live on. A job allocates nothing.
 */
final class Workers implements AutoCloseable {
    /** Longer than sampling and scheduling take between two steps, shorter than anybody notices. */
    private static final long SPIN_NANOS = 300_000;
    /** Spins between two looks at the clock. */
    private static final int SPINS = 64;

    /** A task's number and the worker that runs it, 0 being the caller. */
    @FunctionalInterface
    interface Task {
        void run(int task, int worker);
    }

    /** A thread, and whether it sleeps: set by itself before it parks, after which it looks at the generation once more. */
    private static final class Worker {
        private Thread thread;
        private volatile boolean parked;
    }

    private final Worker[] others;
    /** The job's generation in the upper half, its next task in the lower: who comes too late claims nothing. */
    private final AtomicLong claim = new AtomicLong();
    /** Tasks of the job that have ended. */
    private final AtomicInteger done = new AtomicInteger();

    private Task task;
    private volatile int tasks;
    private volatile int generation;
    private volatile Throwable failure;
    private volatile boolean closed;

    /** @param count threads that work at a time, the caller included; at least 1 */
    Workers(int count) {
        others = new Worker[count - 1];
        for (int i = 0; i < others.length; i++) {
            int number = i + 1;
            Worker worker = new Worker();
            others[i] = worker;
            worker.thread =
                    Thread.ofPlatform().daemon().name("spandrel-cpu-" + number).unstarted(() -> loop(worker, number));
        }
        for (Worker worker : others) {
            worker.thread.start();
        }
    }

    /** Threads that work at a time, the caller included. */
    int count() {
        return others.length + 1;
    }

    /** Those threads, without the caller. */
    List<Thread> threads() {
        return Arrays.stream(others).map(worker -> worker.thread).toList();
    }

    /** Runs {@code task} for 0 to {@code tasks − 1} and returns when all are done. One caller at a time. */
    void run(int tasks, Task task) {
        if (others.length == 0 || tasks == 1) {
            for (int i = 0; i < tasks; i++) {
                task.run(i, 0);
            }
            return;
        }
        int mine = generation + 1;
        // Closed first: a worker of the last job may be comparing its next task with a number of tasks that now
        // changes.
        claim.set((long) mine << 32 | Integer.MAX_VALUE);
        this.task = task;
        this.tasks = tasks;
        failure = null;
        done.set(0);
        claim.set((long) mine << 32);
        generation = mine;
        for (Worker worker : others) {
            if (worker.parked) {
                LockSupport.unpark(worker.thread);
            }
        }
        work(mine, 0);
        while (done.get() != tasks) {
            Thread.onSpinWait();
        }
        rethrow();
    }

    private void rethrow() {
        Throwable thrown = failure;
        if (thrown instanceof RuntimeException e) {
            throw e;
        }
        if (thrown instanceof Error e) {
            throw e;
        }
    }

    /** Claims tasks of a job until none is left. Its fields stay as they are while a claimed task has not ended. */
    private void work(int mine, int worker) {
        int ended = 0;
        long seen = claim.get();
        while ((int) (seen >>> 32) == mine && (int) seen < tasks) {
            if (claim.compareAndSet(seen, seen + 1)) {
                runOne((int) seen, worker);
                ended++;
            }
            seen = claim.get();
        }
        if (ended > 0) {
            done.addAndGet(ended);
        }
    }

    /** Once one has failed the others are only counted. */
    private void runOne(int number, int worker) {
        if (failure != null) {
            return;
        }
        try {
            task.run(number, worker);
        } catch (RuntimeException | Error e) {
            failure = e;
        }
    }

    private void loop(Worker self, int number) {
        int seen = 0;
        while (!closed) {
            seen = await(self, seen);
            work(seen, number);
        }
    }

    /** Waits for a generation other than {@code seen}, or for the end. */
    private int await(Worker self, int seen) {
        long sleepAt = 0;
        while (generation == seen && !closed) {
            for (int i = 0; i < SPINS && generation == seen; i++) {
                Thread.onSpinWait();
            }
            long now = System.nanoTime();
            sleepAt = sleepAt == 0 ? now + SPIN_NANOS : sleepAt;
            if (now - sleepAt > 0) {
                self.parked = true;
                if (generation == seen && !closed) {
                    LockSupport.park(this);
                }
                self.parked = false;
            }
        }
        return generation;
    }

    @Override
    public void close() {
        closed = true;
        for (Worker worker : others) {
            LockSupport.unpark(worker.thread);
        }
    }
}
