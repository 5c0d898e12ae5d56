package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.tensor.DType;
import java.util.List;

/**
 * A tensor found in a file, its place checked against the file's length.
 *
 * @param type the type's name in the words of {@link DType}, or the file's own where this version does not read it
 * @param offset first byte, from the start of the file
 * @param size length in bytes
 */
record TensorEntry(String name, String type, List<Long> shape, long offset, long size) {
    /** The type when this version reads it, else null. */
    DType supported() {
        for (DType candidate : DType.values()) {
            if (candidate.name().equals(type)) {
                return candidate;
            }
        }
        return null;
    }
}
