package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
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

    /** Formats in the order of preference: what cannot hold code first. */
    private enum Kind {
        SAFETENSORS(LoadFormat.SAFETENSORS, "model.safetensors", ".safetensors", SafetensorsHeader::tensors),
        TORCH(LoadFormat.PT, "pytorch_model.bin", ".bin", TorchFile::read);

        private final LoadFormat name;

        private final String single;
        private final String index;
        private final String suffix;
        private final FileFormat format;

        Kind(LoadFormat name, String single, String suffix, FileFormat format) {
            this.name = name;
            this.single = single;
            this.index = single + ".index.json";
            this.suffix = suffix;
            this.format = format;
        }

        boolean in(LoadFormat wanted) {
            return wanted == LoadFormat.AUTO || wanted == name;
        }
    }

    private CheckpointFiles() {}

    /** Whether a folder has weights in a format of Hugging Face's layout. */
    static boolean hasWeights(Path folder) {
        return Stream.of(Kind.values())
                .anyMatch(
                        kind -> Files.exists(folder.resolve(kind.single)) || Files.exists(folder.resolve(kind.index)));
    }

    static Checkpoint open(Path path, LoadFormat format) {
        if (Files.isRegularFile(path)) {
            return openFile(path);
        }
        if (!Files.isDirectory(path)) {
            throw new EngineException.ModelLoad(path.toString(), "no such file or folder");
        }
        for (Kind kind : Kind.values()) {
            if (!kind.in(format)) {
                continue;
            }
            if (Files.exists(path.resolve(kind.single))) {
                return MappedCheckpoint.openFile(path, path.resolve(kind.single), kind.format);
            }
            if (Files.exists(path.resolve(kind.index))) {
                return MappedCheckpoint.openSharded(path, kind.index, kind.suffix, kind.format);
            }
        }
        throw new EngineException.ModelLoad(path.toString(), nothingToRead(path, format));
    }

    private static Checkpoint openFile(Path file) {
        String name = file.getFileName().toString();
        for (Kind kind : Kind.values()) {
            if (name.endsWith(kind.index)) {
                return MappedCheckpoint.openSharded(file.toAbsolutePath().getParent(), name, kind.suffix, kind.format);
            }
            if (name.endsWith(kind.suffix)) {
                return MappedCheckpoint.openFile(file, file, kind.format);
            }
        }
        if (GgufMetadata.isGguf(file)) {
            return MappedCheckpoint.openFiles(file, GgufFiles.parts(file), GgufHeader::tensors);
        }
        throw new EngineException.ModelLoad(
                file.toString(),
                "found " + name + ", which this version does not read; expected a .safetensors, .bin or .gguf file");
    }

    private static String nothingToRead(Path folder, LoadFormat format) {
        List<String> found;
        try (Stream<Path> files = Files.list(folder)) {
            found = files.map(file -> file.getFileName().toString())
                    .filter(name -> WEIGHT_SUFFIXES.stream().anyMatch(name::endsWith))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            return "cannot list the folder: " + e;
        }
        String looked = "no weights: looked for "
                + Stream.of(Kind.values())
                        .filter(kind -> kind.in(format))
                        .map(kind -> kind.single)
                        .collect(Collectors.joining(" and "))
                + ", whole or in shards with an index";
        return found.isEmpty()
                ? looked + ", found no weight file of any kind"
                : looked + "; found " + shortened(found)
                        + (format == LoadFormat.AUTO
                                ? ", which this version does not read"
                                : "; --load-format is " + format);
    }

    private static String shortened(List<String> names) {
        return names.size() <= MOST_NAMES_SHOWN
                ? String.join(", ", names)
                : String.join(", ", names.subList(0, MOST_NAMES_SHOWN)) + " and " + (names.size() - MOST_NAMES_SHOWN)
                        + " more";
    }
}
