package dev.spandrel.engine.backend.cpu;

/** Tasks on all workers where there is work enough to wake another core, else on the calling thread alone. */
final class SharedTasks {
    /** Multiply-adds below which waking another core costs more than it brings: some 3 µs of work. */
    private static final long WORTH_SPLITTING = 300_000;

    private final Workers workers;
    private final RowRanges ranges;

    SharedTasks(Workers workers) {
        this.workers = workers;
        ranges = new RowRanges(workers.count());
    }

    /** @param work multiply-adds of all tasks together */
    void run(int tasks, long work, Workers.Task task) {
        if (work < WORTH_SPLITTING) {
            for (int i = 0; i < tasks; i++) {
                task.run(i, 0);
            }
        } else {
            workers.run(tasks, task);
        }
    }

    /** As {@link #run} for tasks of one row each, taken some at a time. */
    void runRows(int rows, long work, Workers.Task task) {
        ranges.of(rows, task);
        run(ranges.pieces(), work, ranges);
    }
}
