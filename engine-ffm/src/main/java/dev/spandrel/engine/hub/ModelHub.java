package dev.spandrel.engine.hub;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Finds a model: a folder by its path, or by its name among the folders of {@code models}, or by its id on the Hugging Face
 * Hub, {@code owner/name} or {@code owner/name@revision}. A folder goes before the Hub.
 */
public final class ModelHub {
    private static final Pattern ID =
            Pattern.compile("([A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_.-]{1,96})(?:@([A-Za-z0-9_.-]{1,128}))?");

    private final Path models;
    private final HubSettings settings;

    /** @param models folder of model folders; may be missing */
    public ModelHub(Path models, HubSettings settings) {
        this.models = models;
        this.settings = settings;
    }

    /**
     * The model on this machine, fetched when it must be.
     *
     * @throws EngineException.ModelLoad naming the places that were looked at and the models there are
     */
    public LocatedModel locate(String model) {
        List<String> looked = new ArrayList<>();
        try {
            for (Path candidate : new LinkedHashSet<>(List.of(Path.of(model), models.resolve(model)))) {
                if (Files.isDirectory(candidate)) {
                    Path folder = candidate.toAbsolutePath().normalize();
                    return new LocatedModel(folder.getFileName().toString(), folder);
                }
                looked.add(Files.exists(candidate) ? candidate + " (a file, not a folder)" : candidate.toString());
            }
        } catch (InvalidPathException e) {
            throw new EngineException.ModelLoad(model, "not a path this system knows: " + e.getReason());
        }
        Matcher id = ID.matcher(model);
        if (id.matches() && !model.contains("..") && !model.contains("--")) {
            String revision = id.group(2) == null ? "main" : id.group(2);
            HubDownloader downloader = new HubDownloader(settings, System.err, System.console() != null);
            return new LocatedModel(id.group(1), downloader.fetch(id.group(1), revision));
        }
        throw new EngineException.ModelLoad(
                model,
                "no such folder; looked at " + String.join(" and ", looked) + ". " + available()
                        + " A model of the Hugging Face Hub is named owner/name.");
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
