package dev.spandrel.engine.model;

import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.checkpoint.TensorInfo;
import dev.spandrel.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The tensors of a GGUF file under the names of Hugging Face checkpoints. Rows of Llama's queries and keys, which GGUF
 * stores so that neighbours turn together, are put back into the order of GPT-NeoX; all else stays as it lies.
 */
final class GgufCheckpoint implements Checkpoint {
    private final Checkpoint file;
    private final GgufNames names;
    private final Map<String, String> original = new TreeMap<>();
    private final SortedMap<String, TensorInfo> tensors = new TreeMap<>();
    private final SortedMap<String, String> unsupported = new TreeMap<>();

    /**
     * Opens the file of a configuration that {@link GgufConfig} read.
     *
     * @throws dev.spandrel.engine.EngineException.ModelLoad when it cannot be read
     */
    static GgufCheckpoint open(ModelConfig config) {
        GgufNames names = GgufNames.of(config.architecture(), heads(config), kvHeads(config));
        return new GgufCheckpoint(Checkpoint.open(config.folder()), names);
    }

    private GgufCheckpoint(Checkpoint file, GgufNames names) {
        this.file = file;
        this.names = names;
        file.tensors().forEach((name, info) -> {
            String known = names.huggingFace(name);
            original.put(known, name);
            tensors.put(known, info);
        });
        file.unsupported().forEach((name, type) -> unsupported.put(names.huggingFace(name), type));
    }

    private static int heads(ModelConfig config) {
        return config.has("num_attention_heads") ? config.integer("num_attention_heads", 1, 1 << 12) : 1;
    }

    private static int kvHeads(ModelConfig config) {
        return config.integer("num_key_value_heads", 1, 1 << 12, heads(config));
    }

    @Override
    public Path path() {
        return file.path();
    }

    @Override
    public Dialect dialect() {
        return Dialect.GGUF;
    }

    @Override
    public SortedMap<String, TensorInfo> tensors() {
        return Collections.unmodifiableSortedMap(tensors);
    }

    @Override
    public SortedMap<String, String> unsupported() {
        return Collections.unmodifiableSortedMap(unsupported);
    }

    @Override
    public Tensor tensor(String name) {
        if (!tensors.containsKey(name)) {
            return null;
        }
        Tensor tensor = file.tensor(original.get(name));
        int heads = names.interleavedHeads(original.get(name));
        return heads == 0 ? tensor : apart(tensor, heads);
    }

    /** Within each head: row 2i to i, row 2i + 1 to half + i. A row is copied as its bytes, whatever its type. */
    private static Tensor apart(Tensor tensor, int heads) {
        MemorySegment from = tensor.data();
        byte[] rows = new byte[Math.toIntExact(from.byteSize())];
        MemorySegment to = MemorySegment.ofArray(rows);
        int perHead = tensor.size(0) / heads;
        long rowBytes = from.byteSize() / tensor.size(0);
        for (int row = 0; row < heads * perHead; row++) {
            int within = row % perHead;
            int source = row - within + within % (perHead / 2) * 2 + within / (perHead / 2);
            MemorySegment.copy(from, source * rowBytes, to, row * rowBytes, rowBytes);
        }
        return new Tensor(tensor.dtype(), tensor.shape(), to);
    }

    @Override
    public void close() {
        file.close();
    }
}
