package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.tensor.DType;
import java.util.List;

/**
 * What a checkpoint says of one tensor.
 *
 * @param name as in the file
 * @param dtype element type
 * @param shape sizes of the dimensions, outermost first
 * @param file name of the file it lies in, for messages
 * @param offset first byte, from the start of the file
 * @param byteSize length in bytes
 */
public record TensorInfo(String name, DType dtype, List<Long> shape, String file, long offset, long byteSize) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }
}
