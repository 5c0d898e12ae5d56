package dev.spandrel.engine.hub;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Which of a model's files are worth fetching: configuration, tokenizer, and weights in one format, the safest there is. */
final class NeededFiles {
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
    private static final List<Pattern> WEIGHTS = List.of(
            Pattern.compile("model(-\\d{5}-of-\\d{5})?\\.safetensors(\\.index\\.json)?"),
            Pattern.compile("pytorch_model(-\\d{5}-of-\\d{5})?\\.bin(\\.index\\.json)?"));

    private NeededFiles() {}

    static List<HubFile> of(List<HubFile> all) {
        Pattern weights = WEIGHTS.stream()
                .filter(pattern -> all.stream()
                        .anyMatch(file -> pattern.matcher(file.name()).matches()))
                .findFirst()
                .orElse(WEIGHTS.getFirst());
        return all.stream()
                .filter(file -> SMALL.contains(file.name())
                        || weights.matcher(file.name()).matches())
                .toList();
    }
}
