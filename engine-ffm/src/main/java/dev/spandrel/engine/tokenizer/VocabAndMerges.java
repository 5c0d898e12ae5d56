package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.tokenizer.PipelineTokenizer.SpecialTokens;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/** GPT-2's two files: {@code vocab.json} and {@code merges.txt}, read as Hugging Face's {@code GPT2Tokenizer} does. */
final class VocabAndMerges {
    /** Classes whose two files mean GPT-2's split; others have one of their own, which these files do not hold. */
    private static final Set<String> CLASSES = Set.of("", "GPT2Tokenizer", "GPT2TokenizerFast");

    private VocabAndMerges() {}

    static Tokenizer open(Path folder) {
        TokenizerConfig config = TokenizerConfig.read(folder);
        if (!CLASSES.contains(config.tokenizerClass())) {
            throw new EngineException.ModelLoad(
                    config.file().toString(),
                    "tokenizer_class: expected GPT2Tokenizer beside " + TokenizerLoader.VOCAB + " and "
                            + TokenizerLoader.MERGES + ", found " + config.tokenizerClass()
                            + ", which splits text in its own way; a " + TokenizerLoader.TOKENIZER_JSON
                            + " would say how");
        }
        Map<String, Integer> vocab = vocab(folder.resolve(TokenizerLoader.VOCAB));
        BpeModel model = model(folder.resolve(TokenizerLoader.MERGES), vocab, config);
        AddedTokenCollector added = new AddedTokenCollector(vocab);
        added.addedTokensJson(folder.resolve("added_tokens.json"));
        added.config(config);
        SpecialTokens around = new SpecialTokens(BosToken.front(config, added), new int[0]);
        JsonNode byteLevel = JsonNodeFactory.instance.objectNode().put("add_prefix_space", config.addPrefixSpace());
        PreTokenizers.Split split = new PreTokenizers.Split(List.of(PreTokenizers.byteLevel(byteLevel)), true);
        PipelineTokenizer.Steps steps =
                new PipelineTokenizer.Steps(UnaryOperator.identity(), split, model, ByteAlphabet::read);
        return new PipelineTokenizer(steps, vocab, added.tokens(), around);
    }

    private static Map<String, Integer> vocab(Path file) {
        Problems problems = new Problems(file);
        Map<String, Integer> vocab = Vocabulary.read(JsonFile.read(file), problems);
        problems.throwIfAny();
        return vocab;
    }

    private static BpeModel model(Path file, Map<String, Integer> vocab, TokenizerConfig config) {
        Problems problems = new Problems(file);
        BpeModelBuilder builder = new BpeModelBuilder(vocab, problems);
        int number = 0;
        // Not lines(): tokens may hold characters that it takes for line ends.
        for (String raw : text(file).split("\n")) {
            number++;
            String line = raw.endsWith("\r") ? raw.substring(0, raw.length() - 1) : raw;
            if (line.isEmpty() || line.startsWith("#version")) {
                continue;
            }
            String[] parts = line.split(" ", -1);
            if (parts.length == 2) {
                builder.merge(parts[0], parts[1], "line " + number);
            } else {
                problems.add("line " + number + ": expected two tokens and one space, found " + shortened(line));
            }
        }
        Integer unknown = config.text("unk_token").map(vocab::get).orElse(null);
        BpeModel model = builder.build(unknown, false);
        problems.throwIfAny();
        return model;
    }

    private static String text(Path file) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(JsonFile.bytes(file)))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new EngineException.ModelLoad(file.toString(), "expected UTF-8, found: " + e.getMessage());
        }
    }

    private static String shortened(String line) {
        return line.length() <= 80 ? line : line.substring(0, 80) + "…";
    }
}
