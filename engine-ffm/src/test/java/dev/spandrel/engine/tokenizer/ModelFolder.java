package dev.spandrel.engine.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The bundled model's tokenizer files, and folders made of them. */
final class ModelFolder {
    static final Path BUNDLED = Path.of("../models/spandrel-tiny");

    private ModelFolder() {}

    static Tokenizer bundledTokenizer() {
        return Tokenizer.open(BUNDLED);
    }

    static void copyVocabAndMerges(Path folder) throws IOException {
        for (String name : new String[] {"vocab.json", "merges.txt"}) {
            Files.copy(BUNDLED.resolve(name), folder.resolve(name));
        }
    }

    /** Writes the same tokenizer as one {@code tokenizer.json}, changed as told. */
    static void writeTokenizerJson(Path folder, Consumer<ObjectNode> change) throws IOException {
        JsonMapper mapper = JsonMapper.shared();
        ObjectNode json = (ObjectNode) mapper.readTree("""
                {"version": "1.0", "truncation": null, "padding": null, "normalizer": null,
                 "added_tokens": [
                   {"id": 1, "content": "<pad>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
                   {"id": 2, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
                 "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
                 "post_processor": {"type": "TemplateProcessing",
                   "single": [{"SpecialToken": {"id": "</s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                   "special_tokens": {"</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}}},
                 "decoder": {"type": "ByteLevel"},
                 "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
                   "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false}}
                """);
        ObjectNode model = (ObjectNode) json.get("model");
        model.set("vocab", mapper.readTree(BUNDLED.resolve("vocab.json").toFile()));
        var merges = model.putArray("merges");
        Files.readString(BUNDLED.resolve("merges.txt")).lines().skip(1).forEach(merges::add);
        change.accept(json);
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
    }
}
