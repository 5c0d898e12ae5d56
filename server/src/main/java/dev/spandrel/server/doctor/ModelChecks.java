package dev.spandrel.server.doctor;

import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Stream;

/** A model, folder or GGUF file: is it there, would it fit, does it load, and do the fast kernels say what the plain ones say. */
final class ModelChecks {
    /** Up to here loading takes seconds, and the plain loops of the reference backend too. */
    private static final long SMALL_BYTES = 256L << 20;

    private static final int TOKENS = 16;

    private final Path models;
    private final Function<EngineConfig, Engine> engines;

    ModelChecks(Path models, Function<EngineConfig, Engine> engines) {
        this.models = models;
        this.engines = engines;
    }

    List<Finding> all(String model) {
        Path place = isModel(Path.of(model)) ? Path.of(model) : models.resolve(model);
        if (!isModel(place)) {
            return List.of(
                    model.contains("/") && !model.startsWith(".") && !model.startsWith("/")
                            ? Finding.note(
                                    "model",
                                    "no folder or file " + model + "; serve would fetch it from the Hugging Face Hub",
                                    "")
                            : Finding.wrong(
                                    "model", "no folder or GGUF file " + model + " and none below " + models, names()));
        }
        try {
            long bytes = size(place);
            List<Finding> findings = new ArrayList<>(List.of(Finding.ok(
                    Files.isDirectory(place) ? "model folder" : "model file",
                    place.toAbsolutePath().normalize() + ", " + MachineChecks.mebibytes(bytes))));
            findings.addAll(bytes <= SMALL_BYTES ? load(model) : List.of(room(bytes)));
            return findings;
        } catch (IOException e) {
            return List.of(Finding.wrong("model", place + " cannot be read: " + e.getMessage(), ""));
        }
    }

    private static boolean isModel(Path path) {
        return Files.isDirectory(path)
                || Files.isRegularFile(path) && path.getFileName().toString().endsWith(".gguf");
    }

    private String names() {
        try (Stream<Path> found = Files.list(models)) {
            List<String> names = found.filter(ModelChecks::isModel)
                    .map(path -> path.getFileName().toString())
                    .sorted()
                    .toList();
            return names.isEmpty() ? "" : "there are: " + String.join(", ", names);
        } catch (IOException e) {
            return "--models names the folder they are in";
        }
    }

    private static long size(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder, 2)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(path -> path.toFile().length())
                    .sum();
        }
    }

    private static Finding room(long bytes) {
        return Finding.note(
                "model load",
                "not tried: over " + MachineChecks.mebibytes(SMALL_BYTES),
                "its weights take about " + MachineChecks.mebibytes(bytes)
                        + " outside the heap, the KV cache comes on top");
    }

    private List<Finding> load(String model) {
        try {
            String fast = answer(model, "auto");
            String plain = answer(model, "reference");
            return List.of(
                    Finding.ok("model load", "loads and answers"),
                    fast.equals(plain)
                            ? Finding.ok("kernels", TOKENS + " greedy tokens as the reference backend's")
                            : Finding.wrong(
                                    "kernels",
                                    "the fast backend says \"" + fast + "\", the reference \"" + plain + "\"",
                                    "--backend reference is right and slow; please report this with the lines above"));
        } catch (EngineException e) {
            return List.of(Finding.wrong("model load", String.valueOf(e.getMessage()), ""));
        }
    }

    private String answer(String model, String backend) {
        EngineConfig config =
                EngineConfig.of(model).models(models).backend(backend).build();
        try (Engine engine = engines.apply(config);
                Generation generation = engine.submit(new GenerationRequest(
                        "doctor",
                        new Prompt.Text("Once upon a time"),
                        SamplingParams.DEFAULT.withTemperature(0).withMaxTokens(TOKENS),
                        config.nanoClock().getAsLong()))) {
            StringBuilder text = new StringBuilder();
            while (true) {
                switch (generation.next()) {
                    case GenerationEvent.TextDelta delta -> text.append(delta.text());
                    case GenerationEvent.Finished end -> {
                        return text.append(end.text()).toString().strip();
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineException.Unavailable(
                    String.format(Locale.ROOT, "interrupted while %s answered", backend), e);
        }
    }
}
