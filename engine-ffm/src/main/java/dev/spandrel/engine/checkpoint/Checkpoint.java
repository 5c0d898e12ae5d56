package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.tensor.Tensor;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;

/**
 * The tensors of a model, mapped. A checkpoint owns its mappings: tensors handed out are valid until it is closed, and
 * touching one later throws {@link IllegalStateException}. All methods may be called from any thread.
 */
public interface Checkpoint extends AutoCloseable {
    /**
     * Opens the weights of a model folder, or one weight file.
     *
     * @param path a folder in Hugging Face layout, or a {@code .safetensors}, {@code .bin} or {@code .gguf} file
     * @throws EngineException.ModelLoad with all that is wrong with the files, or with what was looked for and what was
     *     found when there are none
     */
    static Checkpoint open(Path path) {
        return open(path, LoadFormat.AUTO);
    }

    /** As {@link #open(Path)}, of a folder only what is in one format. */
    static Checkpoint open(Path path, LoadFormat format) {
        return CheckpointFiles.open(path, format);
    }

    /** In whose way the weights are stored, where the same model is written differently. */
    enum Dialect {
        /** As the model's authors published it. */
        HUGGING_FACE,
        /** Norms of Gemma hold 1 + w, GPT-2's linear layers are outputs × inputs. */
        GGUF
    }

    /** How to understand the numbers. */
    default Dialect dialect() {
        return Dialect.HUGGING_FACE;
    }

    /**
     * What there is under a name, or null.
     *
     * @param shape what the family asks for; only a checkpoint that makes its tensors up goes by it
     */
    default TensorInfo find(String name, List<Long> shape) {
        return tensors().get(name);
    }

    /** The file or folder it was opened from. */
    Path path();

    /** Name, type, shape and place of every tensor of a type in {@link dev.spandrel.engine.tensor.DType}, by name. */
    SortedMap<String, TensorInfo> tensors();

    /**
     * Tensors kept out of {@link #tensors} because this version does not read their type: the type's name in the file, by
     * tensor name. Many checkpoints carry integer buffers no model needs, so they are an error only for who wants one.
     */
    default SortedMap<String, String> unsupported() {
        return Collections.emptySortedMap();
    }

    /**
     * The mapped slice of a tensor, or null when {@link #tensors} has none of that name. Its first byte may lie at any
     * alignment.
     */
    Tensor tensor(String name);

    /** Unmaps the files; closing twice is harmless. */
    @Override
    void close();
}
