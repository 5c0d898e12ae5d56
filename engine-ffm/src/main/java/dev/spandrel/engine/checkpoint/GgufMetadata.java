package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The values that a GGUF file carries beside its tensors: architecture, tokenizer, chat template. Immutable; the file stays
 * mapped as long as this object lives, since arrays of a hundred thousand tokens are read only when asked for.
 */
public final class GgufMetadata {
    private final Path file;
    private final Map<String, Object> values;
    private final Map<String, List<Long>> shapes;

    private GgufMetadata(Path file, Map<String, Object> values, Map<String, List<Long>> shapes) {
        this.file = file;
        this.values = values;
        this.shapes = shapes;
    }

    /** Whether a path is read as GGUF: by its ending. */
    public static boolean isGguf(Path path) {
        return path.getFileName() != null && path.getFileName().toString().endsWith(".gguf");
    }

    /** Whether a path is a file that is read as GGUF. */
    public static boolean isGgufFile(Path path) {
        return isGguf(path) && Files.isRegularFile(path);
    }

    /**
     * Reads the head of a file; of a model in several files, the first.
     *
     * @throws EngineException.ModelLoad with what is wrong with it
     */
    public static GgufMetadata read(Path file) {
        // Unmapped when the last array is forgotten: nobody knows earlier who still reads tokens.
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
            GgufHeader header = GgufHeader.read(mapped);
            Map<String, List<Long>> shapes = new HashMap<>();
            header.tensors().forEach(entry -> shapes.put(entry.name(), List.copyOf(entry.shape())));
            return new GgufMetadata(file, header.metadata(), shapes);
        } catch (FormatException e) {
            throw new EngineException.ModelLoad(file.toString(), e.getMessage());
        } catch (IOException e) {
            throw new EngineException.ModelLoad(file.toString(), "cannot be opened: " + e);
        }
    }

    /** Where it was read from. */
    public Path file() {
        return file;
    }

    /** The shape of a tensor in this file, or null; also of one whose type is not read. */
    public List<Long> shape(String tensor) {
        return shapes.get(tensor);
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    /** @throws EngineException.ModelLoad when there is something else under the key */
    public Optional<String> text(String key) {
        return value(key, String.class, "text");
    }

    /** @throws EngineException.ModelLoad when there is something else under the key */
    public Optional<Boolean> flag(String key) {
        return value(key, Boolean.class, "true or false");
    }

    /** @throws EngineException.ModelLoad when there is something else under the key */
    public Optional<Long> integer(String key) {
        return value(key, Long.class, "a whole number");
    }

    /** A number, whole or not. */
    public Optional<Double> number(String key) {
        return values.get(key) instanceof Long whole
                ? Optional.of(whole.doubleValue())
                : value(key, Double.class, "a number");
    }

    /** An array's elements, or none where the key is missing: Long, Double, Boolean or String. */
    public List<Object> list(String key) {
        return value(key, GgufArray.class, "an array").map(GgufArray::values).orElse(List.of());
    }

    /** A value as text for messages. */
    public String shown(String key) {
        String text = String.valueOf(values.get(key));
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }

    private <T> Optional<T> value(String key, Class<T> type, String expected) {
        Object value = values.get(key);
        if (value != null && !type.isInstance(value)) {
            throw new EngineException.ModelLoad(
                    file.toString(), key + ": expected " + expected + ", found " + shown(key));
        }
        return Optional.ofNullable(type.cast(value));
    }
}
