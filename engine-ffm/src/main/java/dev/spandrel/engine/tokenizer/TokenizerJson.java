package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.tokenizer.ByteLevelBpeTokenizer.SpecialTokens;
import java.nio.file.Path;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * {@code tokenizer.json} of Hugging Face's tokenizers, as far as it declares byte-level BPE with GPT-2's split. Anything
 * else it asks for is refused by name: encoding without it would give other ids.
 */
final class TokenizerJson {
    private TokenizerJson() {}

    static Tokenizer open(Path folder) {
        Path file = folder.resolve(TokenizerLoader.TOKENIZER_JSON);
        JsonNode json = JsonFile.read(file);
        Problems problems = new Problems(file);
        checkPipeline(json, problems);
        problems.throwIfAny();
        JsonNode model = json.path("model");
        Map<String, Integer> vocab = Vocabulary.read(model.path("vocab"), problems);
        problems.throwIfAny();
        BpeModel bpe = model(model, vocab, problems);
        AddedTokenCollector added = new AddedTokenCollector(vocab);
        added.tokenizerJson(json.path("added_tokens"), problems);
        problems.throwIfAny();
        TokenizerConfig config = TokenizerConfig.read(folder);
        added.config(config);
        SpecialTokens around = PostProcessor.read(file, json.path("post_processor"));
        if (around.front().length == 0) {
            around = new SpecialTokens(BosToken.front(config, added), around.back());
        }
        boolean prefixSpace =
                json.path("pre_tokenizer").path("add_prefix_space").asBoolean(true);
        return new ByteLevelBpeTokenizer(bpe, vocab, added.tokens(), around, prefixSpace);
    }

    private static BpeModel model(JsonNode model, Map<String, Integer> vocab, Problems problems) {
        BpeModelBuilder builder = new BpeModelBuilder(vocab, problems);
        int number = 0;
        for (JsonNode merge : model.path("merges")) {
            String place = "merge " + number++;
            String[] parts = merge.isArray()
                    ? merge.valueStream().map(part -> part.asString("")).toArray(String[]::new)
                    : merge.asString("").split(" ", -1);
            if (parts.length == 2) {
                builder.merge(parts[0], parts[1], place);
            } else {
                problems.add(place + ": expected two tokens, found " + merge);
            }
        }
        Integer unknown = vocab.get(model.path("unk_token").asString(""));
        BpeModel bpe = builder.build(unknown, model.path("ignore_merges").asBoolean(false));
        problems.throwIfAny();
        return bpe;
    }

    private static void checkPipeline(JsonNode json, Problems problems) {
        JsonNode model = json.path("model");
        // Old files leave the type out; then the members tell.
        String type = model.path("type").asString(model.has("merges") ? "BPE" : "none");
        expect("model.type", "BPE", type, problems);
        expect("pre_tokenizer", "ByteLevel", type(json.path("pre_tokenizer")), problems);
        expect("decoder", "ByteLevel", type(json.path("decoder")), problems);
        expect("normalizer", "none", type(json.path("normalizer")), problems);
        if (!json.path("pre_tokenizer").path("use_regex").asBoolean(true)) {
            problems.add("pre_tokenizer.use_regex: expected true, found false");
        }
        for (String member : new String[] {"continuing_subword_prefix", "end_of_word_suffix"}) {
            expect("model." + member, "", model.path(member).asString(""), problems);
        }
        if (model.path("byte_fallback").asBoolean(false)) {
            problems.add("model.byte_fallback: expected false, found true");
        }
        if (model.path("dropout").asDouble(0) != 0) {
            problems.add("model.dropout: expected none, found " + model.path("dropout"));
        }
        if (!model.path("vocab").isObject() || !model.path("merges").isArray()) {
            problems.add("model: expected a vocab object and a merges array, found "
                    + model.path("vocab").getNodeType() + " and "
                    + model.path("merges").getNodeType());
        }
    }

    private static void expect(String what, String expected, String found, Problems problems) {
        if (!expected.equals(found)) {
            problems.add(
                    what + ": this version reads " + (expected.isEmpty() ? "none" : expected) + ", found " + found);
        }
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
