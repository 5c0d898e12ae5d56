package dev.spandrel.engine.backend.cuda;

import dev.spandrel.engine.backend.WeightFormat;
import java.lang.foreign.MemorySegment;

/**
 * How the kernels want the rows of a format: values at multiples of 16 bytes with zeros behind them, scales apart, since a
 * block of 34 bytes can be read by single bytes only. GGUF's other types stay as they are stored.
 */
final class DeviceRows {
    private static final int ALIGNMENT = 16;

    private final WeightFormat format;
    private final int columns;

    DeviceRows(WeightFormat format, int columns) {
        this.format = format;
        this.columns = columns;
    }

    /** Elements from one row to the next. */
    int pitch() {
        return switch (format) {
            case F32 -> up(columns, ALIGNMENT / 4);
            case F16, BF16 -> up(columns, ALIGNMENT / 2);
            case INT8 -> up(columns, ALIGNMENT);
            case Q8_0, Q4_0 -> up(columns, WeightFormat.BLOCK);
            default -> columns;
        };
    }

    private static int up(int value, int multiple) {
        return (value + multiple - 1) / multiple * multiple;
    }

    long rowBytes() {
        return switch (format) {
            case F32 -> 4L * pitch();
            case F16, BF16 -> 2L * pitch();
            case INT8, Q8_0 -> pitch();
            case Q4_0 -> pitch() / 2;
            default -> format.rowBytes(columns);
        };
    }

    long scaleBytes() {
        return switch (format) {
            case INT8 -> 4;
            case Q8_0, Q4_0 -> 2L * pitch() / WeightFormat.BLOCK;
            default -> 0;
        };
    }

    /**
     * Lays one row out.
     *
     * @param row as {@link WeightFormat} has it, from byte 0 on
     */
    void split(MemorySegment row, MemorySegment data, long dataAt, MemorySegment scales, long scalesAt) {
        switch (format) {
            case INT8 -> {
                copy(row, 0, data, dataAt, columns, rowBytes());
                MemorySegment.copy(row, columns, scales, scalesAt, 4);
            }
            case Q8_0, Q4_0 -> {
                long values = format == WeightFormat.Q8_0 ? WeightFormat.BLOCK : WeightFormat.BLOCK / 2;
                for (int b = 0; b < pitch() / WeightFormat.BLOCK; b++) {
                    MemorySegment.copy(row, b * (2 + values), scales, scalesAt + 2L * b, 2);
                    MemorySegment.copy(row, b * (2 + values) + 2, data, dataAt + b * values, values);
                }
            }
            default -> copy(row, 0, data, dataAt, format.rowBytes(columns), rowBytes());
        }
    }

    private static void copy(MemorySegment from, long at, MemorySegment to, long toAt, long bytes, long padded) {
        MemorySegment.copy(from, at, to, toAt, bytes);
        to.asSlice(toAt + bytes, padded - bytes).fill((byte) 0);
    }

    /** Whether rows lie on the device as {@link WeightFormat} has them, so that one is read to where it is sent from. */
    boolean asRead() {
        return scaleBytes() == 0 && rowBytes() == format.rowBytes(columns);
    }

    /** A row's room on the host, in bytes. */
    long hostBytes() {
        return format.rowBytes(columns);
    }
}
