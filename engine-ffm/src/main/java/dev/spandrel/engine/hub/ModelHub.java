package dev.spandrel.engine.hub;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.stream.Stream;

/** Finds a model: a folder by its path, or by its name among the folders of {@code models}. */
public final class ModelHub {
    private final Path models;

    /** @param models folder of model folders; may be missing */
    public ModelHub(Path models) {
        this.models = models;
    }

    /**
     * The folder of a model.
     *
     * @throws EngineException.ModelLoad naming the places that were looked at and the models there are
     */
    public Path locate(String model) {
        List<String> looked = new ArrayList<>();
        try {
            for (Path candidate : new LinkedHashSet<>(List.of(Path.of(model), models.resolve(model)))) {
                if (Files.isDirectory(candidate)) {
                    return candidate.toAbsolutePath().normalize();
                }
                looked.add(Files.exists(candidate) ? candidate + " (a file, not a folder)" : candidate.toString());
            }
        } catch (InvalidPathException e) {
            throw new EngineException.ModelLoad(model, "not a path this system knows: " + e.getReason());
        }
        throw new EngineException.ModelLoad(
                model, "no such folder; looked at " + String.join(" and ", looked) + ". " + available());
    }

    private String available() {
        try (Stream<Path> entries = Files.list(models)) {
            List<String> names = entries.filter(entry -> Files.exists(entry.resolve("config.json")))
                    .map(entry -> entry.getFileName().toString())
                    .sorted()
                    .limit(20)
                    .toList();
            return names.isEmpty()
                    ? "There are no models in " + models + "."
                    : "Models in " + models + ": " + String.join(", ", names) + ".";
        } catch (IOException e) {
            return "There is no folder " + models + ".";
        }
    }
}
