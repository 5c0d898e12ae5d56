package dev.spandrel.engine.grammar;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * The threads on which forms are compiled and masks made, away from the engine thread and from the threads that serve
 * HTTP. What concerns one grammar is done in order, one thing at a time.
 */
final class FormWorkers implements AutoCloseable {
    /** Grammars that are worked on at once; all but one wait for their {@link Turn}. */
    private static final int MOST_THREADS = 64;

    private static final long IDLE_SECONDS = 10;

    private final Semaphore baton = new Semaphore(1, true);
    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(
            MOST_THREADS,
            MOST_THREADS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("spandrel-form-", 0).factory(),
            // Nobody waits for a form once the engine is closed.
            new ThreadPoolExecutor.DiscardPolicy());

    private volatile boolean closed;

    FormWorkers() {
        threads.allowCoreThreadTimeOut(true);
    }

    /** Waits for the turn to work on masks. */
    Turn turn(BooleanSupplier unwanted) {
        return new Turn(baton, () -> closed || unwanted.getAsBoolean());
    }

    /** Has something done. */
    void execute(Runnable work) {
        threads.execute(work);
    }

    /** A line of things that are done one at a time. */
    Line line() {
        return new Line();
    }

    /** What one grammar has to do. */
    final class Line {
        private final Queue<Runnable> waiting = new ArrayDeque<>();
        private boolean worked;

        /** Any thread: puts something behind what is there. */
        synchronized void add(Runnable work) {
            waiting.add(work);
            if (!worked) {
                worked = true;
                execute(this::work);
            }
        }

        private void work() {
            for (Runnable next = next(); next != null; next = next()) {
                next.run();
            }
        }

        private synchronized Runnable next() {
            Runnable next = waiting.poll();
            worked = next != null;
            return next;
        }
    }

    @Override
    public void close() {
        closed = true;
        threads.shutdown();
    }
}
