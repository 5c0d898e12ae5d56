package dev.spandrel.engine.hub;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.LoadFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Which of a model's files are worth fetching: configuration, tokenizer, and weights in one format, the safest there is.
 *
 * @param format what is wanted, or any
 * @param quantization part of the name of the GGUF file to take where there are several, or empty
 */
record NeededFiles(LoadFormat format, String quantization) {
    private static final Set<String> SMALL = Set.of(
            "config.json",
            "generation_config.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "chat_template.jinja",
            "chat_template.json");
    private static final Pattern SAFETENSORS =
            Pattern.compile("model(-\\d{5}-of-\\d{5})?\\.safetensors(\\.index\\.json)?");
    private static final Pattern TORCH = Pattern.compile("pytorch_model(-\\d{5}-of-\\d{5})?\\.bin(\\.index\\.json)?");
    private static final Pattern GGUF = Pattern.compile("(?!mmproj)(.*?)(-\\d{5}-of-\\d{5})?\\.gguf");
    private static final int MOST_NAMES_SHOWN = 12;

    /**
     * Those of a listing.
     *
     * @throws EngineException.ModelLoad when there is no configuration, or nothing in the format wanted, or no telling
     *     which GGUF file is meant
     */
    List<HubFile> of(String id, List<HubFile> all) {
        Optional<Pattern> weights = weights(id, all);
        boolean gguf = weights.isPresent() && weights.get() != SAFETENSORS && weights.get() != TORCH;
        if (!gguf && all.stream().noneMatch(file -> file.name().equals("config.json"))) {
            throw new EngineException.ModelLoad(
                    id, "expected config.json on the Hub, found " + all.size() + " other files");
        }
        if (weights.isEmpty() && format != LoadFormat.DUMMY && format != LoadFormat.AUTO) {
            throw new EngineException.ModelLoad(
                    id, "--load-format " + format + ": expected such weights on the Hub, found none");
        }
        return all.stream()
                .filter(file -> SMALL.contains(file.name())
                        || weights.isPresent()
                                && weights.get().matcher(file.name()).matches())
                .toList();
    }

    /** The GGUF file asked for among those fetched at one time or another, or the folder where none was asked for. */
    Path pick(String id, Path folder) {
        if (quantization.isEmpty()) {
            return folder;
        }
        try (Stream<Path> files = Files.list(folder)) {
            List<HubFile> there = files.map(
                            file -> new HubFile(file.getFileName().toString(), "", 0))
                    .sorted(Comparator.comparing(HubFile::name))
                    .toList();
            Pattern model = gguf(id, there).orElseThrow();
            return there.stream()
                    .filter(file -> model.matcher(file.name()).matches())
                    .findFirst()
                    .map(file -> folder.resolve(file.name()))
                    .orElseThrow();
        } catch (IOException e) {
            throw new EngineException.ModelLoad(id, "cannot list " + folder + ": " + e);
        }
    }

    private Optional<Pattern> weights(String id, List<HubFile> all) {
        return switch (quantization.isEmpty() ? format : LoadFormat.GGUF) {
            case SAFETENSORS -> there(SAFETENSORS, all);
            case PT -> there(TORCH, all);
            case GGUF -> gguf(id, all);
            case DUMMY -> Optional.empty();
            case AUTO -> there(SAFETENSORS, all).or(() -> there(TORCH, all)).or(() -> gguf(id, all));
        };
    }

    private static Optional<Pattern> there(Pattern pattern, List<HubFile> all) {
        return all.stream().anyMatch(file -> pattern.matcher(file.name()).matches())
                ? Optional.of(pattern)
                : Optional.empty();
    }

    /** The one GGUF model, or the one whose name has the quantization in it; a split one has several files. */
    private Optional<Pattern> gguf(String id, List<HubFile> all) {
        List<String> models = all.stream()
                .flatMap(file -> {
                    Matcher name = GGUF.matcher(file.name());
                    return name.matches() ? Stream.of(name.group(1)) : Stream.empty();
                })
                .distinct()
                .toList();
        if (models.isEmpty() && quantization.isEmpty()) {
            return Optional.empty();
        }
        List<String> fitting = models.stream()
                .filter(name -> quantization.isEmpty() || names(name, quantization))
                .toList();
        if (fitting.size() != 1) {
            throw new EngineException.ModelLoad(
                    id,
                    "expected one GGUF model"
                            + (quantization.isEmpty() ? "" : " named after " + quantization) + ", found "
                            + models.stream().limit(MOST_NAMES_SHOWN).toList() + "; choose one by its quantization: "
                            + id + ":Q4_K_M");
        }
        return Optional.of(Pattern.compile(Pattern.quote(fitting.getFirst()) + "(-\\d{5}-of-\\d{5})?\\.gguf"));
    }

    /** Q4_K must not mean Q4_K_M. */
    private static boolean names(String model, String quantization) {
        return Pattern.compile("(^|[-._])" + Pattern.quote(quantization.toLowerCase(Locale.ROOT)) + "$")
                .matcher(model.toLowerCase(Locale.ROOT))
                .find();
    }
}
