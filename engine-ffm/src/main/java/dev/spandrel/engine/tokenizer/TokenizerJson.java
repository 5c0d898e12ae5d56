package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.tokenizer.PipelineTokenizer.SpecialTokens;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;

/**
 * {@code tokenizer.json} of Hugging Face's tokenizers: BPE over bytes or characters, and unigram, with the parts that
 * {@link Normalizers}, {@link PreTokenizers} and {@link TokenDecoder} know. Anything else it asks for is refused by name:
 * encoding without it would give other ids.
 */
final class TokenizerJson {
    private TokenizerJson() {}

    static Tokenizer open(Path folder) {
        Path file = folder.resolve(TokenizerLoader.TOKENIZER_JSON);
        JsonNode json = JsonFile.read(file);
        Problems problems = new Problems(file);
        UnaryOperator<String> normalizer = Normalizers.read(json.path("normalizer"), problems);
        PreTokenizers.Split split = PreTokenizers.read(json.path("pre_tokenizer"), problems);
        Function<String, byte[]> decoder = TokenDecoder.read(json.path("decoder"), problems);
        TokenizerModels models = TokenizerModels.read(json.path("model"), split.byteLevel(), problems);
        problems.throwIfAny();
        AddedTokenCollector added = new AddedTokenCollector(models.vocab());
        added.tokenizerJson(json.path("added_tokens"), problems);
        problems.throwIfAny();
        TokenizerConfig config = TokenizerConfig.read(folder);
        added.config(config);
        SpecialTokens around = PostProcessor.read(file, json.path("post_processor"));
        if (around.front().length == 0) {
            around = new SpecialTokens(BosToken.front(config, added), around.back());
        }
        PipelineTokenizer.Steps steps = new PipelineTokenizer.Steps(normalizer, split, models.model(), decoder);
        return new PipelineTokenizer(steps, models.vocab(), added.tokens(), around);
    }

    /** The type of a part of the pipeline; parts in sequence are named one by one. */
    static String type(JsonNode part) {
        if (!part.isObject()) {
            return part.isMissingNode() || part.isNull()
                    ? "none"
                    : part.getNodeType().toString();
        }
        String type = part.path("type").asString("no type");
        for (String list : new String[] {"pretokenizers", "normalizers", "decoders", "processors"}) {
            if (part.path(list).isArray()) {
                return type
                        + part.path(list).valueStream().map(TokenizerJson::type).toList();
            }
        }
        return type;
    }
}
