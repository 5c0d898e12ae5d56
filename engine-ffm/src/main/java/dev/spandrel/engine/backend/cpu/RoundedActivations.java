package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.ByteRounding;

/**
 * Inputs of a matmul rounded to bytes and multiplied out again, for processors without {@link ByteKernels}: the F32 tiles then
 * give what the bytes would. A row is read from itself alone; the room grows to the largest step and stays.
 */
final class RoundedActivations implements Workers.Task {
    private float[] values = new float[0];
    private float[] from;
    private int columns;

    /** Takes the rows of a matmul on; what it had before is lost. */
    RoundedActivations of(float[] a, int rows, int width) {
        from = a;
        columns = width;
        if (values.length < rows * width) {
            values = new float[Math.max(rows * width, 2 * values.length)];
        }
        return this;
    }

    /** Rows one after another. */
    float[] values() {
        return values;
    }

    @Override
    public void run(int row, int worker) {
        ByteRounding.round(from, row * columns, columns, values, row * columns);
    }
}
