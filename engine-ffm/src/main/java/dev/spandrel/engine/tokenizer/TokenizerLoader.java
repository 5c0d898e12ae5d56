package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.GgufMetadata;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Picks the tokenizer of a model folder by its files: {@code tokenizer.json} first, since it says everything, then
 * {@code vocab.json} with {@code merges.txt}. It never falls back from one it cannot read to the other: the ids could
 * differ.
 */
final class TokenizerLoader {
    static final String TOKENIZER_JSON = "tokenizer.json";
    static final String VOCAB = "vocab.json";
    static final String MERGES = "merges.txt";

    private static final List<String> OTHERS = List.of(
            VOCAB, MERGES, "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.txt", "tekken.json");

    private TokenizerLoader() {}

    static boolean isIn(Path folder) {
        return GgufMetadata.isGguf(folder)
                || Files.exists(folder.resolve(TOKENIZER_JSON))
                || OTHERS.stream().anyMatch(name -> Files.exists(folder.resolve(name)));
    }

    static Tokenizer open(Path folder) {
        if (GgufMetadata.isGgufFile(folder)) {
            return GgufTokenizer.open(GgufMetadata.read(folder));
        }
        if (Files.exists(folder.resolve(TOKENIZER_JSON))) {
            return TokenizerJson.open(folder);
        }
        if (Files.exists(folder.resolve(VOCAB)) && Files.exists(folder.resolve(MERGES))) {
            return VocabAndMerges.open(folder);
        }
        List<String> found = OTHERS.stream()
                .filter(name -> Files.exists(folder.resolve(name)))
                .toList();
        throw new EngineException.ModelLoad(
                folder.toString(),
                "no tokenizer: looked for " + TOKENIZER_JSON + ", or " + VOCAB + " with " + MERGES + "; found "
                        + (found.isEmpty() ? "none of them" : "only " + String.join(", ", found)));
    }
}
