package dev.spandrel.engine.checkpoint;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** GGUF files by name: the one of a folder, and the others of a model that was split. */
public final class GgufFiles {
    private static final Pattern PART = Pattern.compile("(.+)-(\\d{5})-of-(\\d{5})\\.gguf");
    private static final int MOST_NAMES_SHOWN = 12;
    private static final int MOST_PARTS = 10_000;

    private GgufFiles() {}

    /**
     * What to read a model from: the GGUF file of a folder where the format asks for it, or where the folder has nothing
     * else; otherwise the path as it is.
     *
     * @throws EngineException.ModelLoad when there is none or more than one to choose from
     */
    public static Path resolve(Path path, LoadFormat format) {
        if (!Files.isDirectory(path)) {
            return path;
        }
        if (format == LoadFormat.GGUF) {
            return only(path, firsts(path));
        }
        if (format != LoadFormat.AUTO
                || Files.exists(path.resolve("config.json")) && CheckpointFiles.hasWeights(path)) {
            return path;
        }
        List<Path> files = firsts(path);
        return files.isEmpty() ? path : only(path, files);
    }

    private static Path only(Path folder, List<Path> files) {
        if (files.size() == 1) {
            return files.getFirst();
        }
        List<String> names = files.stream()
                .limit(MOST_NAMES_SHOWN)
                .map(file -> file.getFileName().toString())
                .toList();
        throw new EngineException.ModelLoad(
                folder.toString(),
                "expected one .gguf file, found "
                        + (files.isEmpty() ? "none" : files.size() + ": " + String.join(", ", names))
                        + (files.isEmpty() ? "" : "; give the file itself as --model"));
    }

    /** The GGUF files of a folder; of a split model its first part; without those of a vision tower. */
    private static List<Path> firsts(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(GgufMetadata::isGguf)
                    .filter(file -> !file.getFileName().toString().startsWith("mmproj"))
                    .filter(GgufFiles::isFirst)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new EngineException.ModelLoad(folder.toString(), "cannot list the folder: " + e);
        }
    }

    private static boolean isFirst(Path file) {
        Matcher part = PART.matcher(file.getFileName().toString());
        return !part.matches() || Integer.parseInt(part.group(2)) == 1;
    }

    /**
     * All files of a model.
     *
     * @param file its only file, or its first part
     */
    static List<Path> parts(Path file) {
        Matcher part = PART.matcher(file.getFileName().toString());
        if (!part.matches()) {
            return List.of(file);
        }
        int count = Integer.parseInt(part.group(3));
        if (Integer.parseInt(part.group(2)) != 1 || count < 1 || count > MOST_PARTS) {
            throw new EngineException.ModelLoad(
                    file.toString(),
                    "expected the first part of a split model, found part " + part.group(2) + " of " + part.group(3));
        }
        List<Path> parts = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            parts.add(file.resolveSibling(String.format("%s-%05d-of-%05d.gguf", part.group(1), i, count)));
        }
        return parts;
    }
}
