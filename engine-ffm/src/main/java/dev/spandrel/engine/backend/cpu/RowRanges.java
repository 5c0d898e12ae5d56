package dev.spandrel.engine.backend.cpu;

/** Tasks of one row each, taken some at a time: claiming one costs as much as a short row. */
final class RowRanges implements Workers.Task {
    /** Pieces per worker, so that one which comes late does not hold up the others. */
    private static final int PIECES = 4;

    private final int most;
    private Workers.Task each;
    private int rows;
    private int pieces;

    RowRanges(int workers) {
        most = workers * PIECES;
    }

    /** Takes on tasks 0 to {@code count − 1}. */
    RowRanges of(int count, Workers.Task task) {
        rows = count;
        each = task;
        pieces = Math.min(count, most);
        return this;
    }

    int pieces() {
        return pieces;
    }

    @Override
    public void run(int piece, int worker) {
        int to = (int) ((piece + 1L) * rows / pieces);
        for (int row = (int) ((long) piece * rows / pieces); row < to; row++) {
            each.run(row, worker);
        }
    }
}
