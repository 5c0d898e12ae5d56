package dev.spandrel.engine.hub;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.GgufMetadata;
import dev.spandrel.engine.checkpoint.LoadFormat;
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
 * Finds a model: a folder or GGUF file by its path, or by its name in {@code models}, or by its id on the Hugging Face Hub,
 * {@code owner/name}, {@code owner/name@revision}, and {@code owner/name:Q4_K_M} for one of several GGUF files. What is on
 * this machine goes before the Hub.
 */
public final class ModelHub {
    private static final Pattern ID = Pattern.compile(
            "([A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_.-]{1,96})(?::([A-Za-z0-9_.-]{1,32}))?(?:@([A-Za-z0-9_.-]{1,128}))?");
    private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9_.-]{1,128}");

    private final Path models;
    private final HubSettings settings;
    private final Pause pause;

    /** @param models folder of model folders; may be missing */
    public ModelHub(Path models, HubSettings settings) {
        this(models, settings, Thread::sleep);
    }

    /** @param pause waits between attempts of a download */
    ModelHub(Path models, HubSettings settings, Pause pause) {
        this.pause = pause;
        this.models = models;
        this.settings = settings;
    }

    /** As {@link #locate(String, String, LoadFormat)}, at the main revision and in any format. */
    public LocatedModel locate(String model) {
        return locate(model, "", LoadFormat.AUTO);
    }

    /**
     * The model on this machine, fetched when it must be.
     *
     * @param revision branch, tag or commit on the Hub; empty = what the id says, else main
     * @param format which weights to fetch
     * @throws EngineException.ModelLoad naming the places that were looked at and the models there are
     */
    public LocatedModel locate(String model, String revision, LoadFormat format) {
        List<String> looked = new ArrayList<>();
        try {
            for (Path candidate : new LinkedHashSet<>(List.of(Path.of(model), models.resolve(model)))) {
                Path path = candidate.toAbsolutePath().normalize();
                if (Files.isDirectory(candidate) || GgufMetadata.isGgufFile(candidate)) {
                    return new LocatedModel(name(path), path);
                }
                looked.add(
                        Files.exists(candidate)
                                ? candidate + " (a file, neither a folder nor .gguf)"
                                : candidate.toString());
            }
        } catch (InvalidPathException e) {
            throw new EngineException.ModelLoad(model, "not a path this system knows: " + e.getReason());
        }
        Matcher id = ID.matcher(model);
        if (id.matches() && !model.contains("..") && !model.contains("--") && !GgufMetadata.isGguf(Path.of(model))) {
            return fetch(id.group(1), id.group(2), revision(model, id.group(3), revision), format);
        }
        throw new EngineException.ModelLoad(
                model,
                "no such folder or file; looked at " + String.join(" and ", looked) + ". " + available()
                        + " A model of the Hugging Face Hub is named owner/name.");
    }

    private LocatedModel fetch(String id, String quantization, String revision, LoadFormat format) {
        HubDownloader downloader = new HubDownloader(settings, System.err, isTerminal(), pause);
        NeededFiles needed = new NeededFiles(format, quantization == null ? "" : quantization);
        return new LocatedModel(id, needed.pick(id, downloader.fetch(id, revision, needed)));
    }

    /** Since Java 22 there is a console without a terminal too. */
    private static boolean isTerminal() {
        return System.console() != null && System.console().isTerminal();
    }

    private static String revision(String model, String inId, String asked) {
        if (inId != null && !asked.isEmpty() && !asked.equals(inId)) {
            throw new EngineException.ModelLoad(model, "--revision " + asked + " contradicts " + inId + " in its name");
        }
        String revision = inId != null ? inId : asked.isEmpty() ? "main" : asked;
        if (!REVISION.matcher(revision).matches() || revision.contains("..")) {
            throw new EngineException.ModelLoad(
                    model, "--revision: expected a branch, tag or commit, found " + revision);
        }
        return revision;
    }

    private static String name(Path path) {
        String name = path.getFileName().toString();
        return GgufMetadata.isGgufFile(path) ? name.substring(0, name.length() - 5) : name;
    }

    private String available() {
        try (Stream<Path> entries = Files.list(models)) {
            List<String> names = entries.filter(
                            entry -> Files.exists(entry.resolve("config.json")) || GgufMetadata.isGguf(entry))
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
