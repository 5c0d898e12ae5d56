package dev.spandrel.engine.backend.cpu;

import dev.spandrel.engine.backend.ByteRounding;

/**
 * Inputs of a matmul rounded to bytes and multiplied out again, for processors without {@link ByteKernels}: the F32 tiles then
 * give what the bytes would. A row is read from itself alone; the room grows to the largest step and stays.
 */
final class RoundedActivations {
    private float[] values = new float[0];
    private int columns;

    /** Takes the rows of a matmul on; what it had before is lost. */
    void begin(int rows, int width) {
        columns = width;
        if (values.length < rows * width) {
            values = new float[Math.max(rows * width, 2 * values.length)];
        }
    }

    /** Rows one after another. */
    float[] values() {
        return values;
    }

    /** Converts one row, which begins at {@code at}. */
    void convert(float[] from, int at, int row) {
        ByteRounding.round(from, at, columns, values, row * columns);
    }
}
