package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.tensor.Tensor;
import java.nio.file.Path;
import java.util.SortedMap;

/**
 * The tensors of a model folder, mapped. A checkpoint owns its mappings: tensors handed out are valid until it is
 * closed.
 */
public interface Checkpoint extends AutoCloseable {
    /** The file or folder it was opened from. */
    Path path();

    /** Name, type, shape and place of every tensor, by name. */
    SortedMap<String, TensorInfo> tensors();

    /**
     * The mapped slice of a tensor, or null when there is none of that name.
     */
    Tensor tensor(String name);

    @Override
    void close();
}
