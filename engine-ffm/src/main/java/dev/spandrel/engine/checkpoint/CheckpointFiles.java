package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Picks the reader for a folder by the names of the files in it, and says what was there when none fits. */
final class CheckpointFiles {
    private static final List<String> WEIGHT_SUFFIXES = List.of(
            ".safetensors",
            ".safetensors.index.json",
            ".bin",
            ".bin.index.json",
            ".pt",
            ".pth",
            ".gguf",
            ".h5",
            ".msgpack",
            ".onnx");
    private static final int MOST_NAMES_SHOWN = 8;

    private CheckpointFiles() {}

    static Checkpoint open(Path path) {
        if (Files.isRegularFile(path)) {
            return openFile(path);
        }
        if (!Files.isDirectory(path)) {
            throw new EngineException.ModelLoad(path.toString(), "no such file or folder");
        }
        if (Files.exists(path.resolve(SafetensorsCheckpoint.SINGLE))) {
            return SafetensorsCheckpoint.openFile(path, path.resolve(SafetensorsCheckpoint.SINGLE));
        }
        if (Files.exists(path.resolve(SafetensorsCheckpoint.INDEX))) {
            return SafetensorsCheckpoint.openSharded(path);
        }
        throw new EngineException.ModelLoad(path.toString(), nothingToRead(path));
    }

    private static Checkpoint openFile(Path file) {
        String name = file.getFileName().toString();
        if (name.endsWith(SafetensorsCheckpoint.INDEX)) {
            return SafetensorsCheckpoint.openSharded(file.toAbsolutePath().getParent());
        }
        if (name.endsWith(".safetensors")) {
            return SafetensorsCheckpoint.openFile(file, file);
        }
        throw new EngineException.ModelLoad(
                file.toString(),
                "found " + name + ", which this version does not read; " + "expected a .safetensors file");
    }

    private static String nothingToRead(Path folder) {
        List<String> found;
        try (Stream<Path> files = Files.list(folder)) {
            found = files.map(file -> file.getFileName().toString())
                    .filter(name -> WEIGHT_SUFFIXES.stream().anyMatch(name::endsWith))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            return "cannot list the folder: " + e;
        }
        String looked =
                "no weights: looked for " + SafetensorsCheckpoint.SINGLE + " and " + SafetensorsCheckpoint.INDEX;
        return found.isEmpty()
                ? looked + ", found no weight file of any kind"
                : looked + "; found " + shortened(found) + ", which this version does not read";
    }

    private static String shortened(List<String> names) {
        return names.size() <= MOST_NAMES_SHOWN
                ? String.join(", ", names)
                : String.join(", ", names.subList(0, MOST_NAMES_SHOWN)) + " and " + (names.size() - MOST_NAMES_SHOWN)
                        + " more";
    }
}
