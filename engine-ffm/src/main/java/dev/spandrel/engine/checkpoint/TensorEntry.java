package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.tensor.DType;
import java.util.List;

/**
 * A tensor found in a file, its place checked against the file's length.
 *
 * @param type the type's name in the file
 * @param dtype the type where this version reads it, else null
 * @param offset first byte, from the start of the file
 * @param size length in bytes
 */
record TensorEntry(String name, String type, DType dtype, List<Long> shape, long offset, long size) {
    /** The same, {@code bytes} further into the file. */
    TensorEntry movedBy(long bytes) {
        return new TensorEntry(name, type, dtype, shape, offset + bytes, size);
    }
}
