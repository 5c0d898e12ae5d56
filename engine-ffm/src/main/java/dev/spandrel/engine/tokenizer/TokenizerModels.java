package dev.spandrel.engine.tokenizer;

import dev.spandrel.engine.tokenizer.CharacterBpeModel.ByteFallback;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * The {@code model} of {@code tokenizer.json}.
 *
 * @param vocab its tokens
 * @param model what turns words into them; null when there were problems
 */
record TokenizerModels(Map<String, Integer> vocab, WordModel model) {
    private static final TokenizerModels NONE = new TokenizerModels(Map.of(), null);

    /** @param byteLevel whether words are spelled in {@link ByteAlphabet} */
    static TokenizerModels read(JsonNode model, boolean byteLevel, Problems problems) {
        // Old files leave the type out; then the members tell.
        String type = model.path("type").asString(model.has("merges") ? "BPE" : "none");
        return switch (type) {
            case "BPE" -> bpe(model, byteLevel, problems);
            case "Unigram" -> unigram(model, byteLevel, problems);
            default -> {
                problems.add("model.type: this version reads BPE and Unigram, found " + type);
                yield NONE;
            }
        };
    }

    private static TokenizerModels bpe(JsonNode model, boolean byteLevel, Problems problems) {
        for (String member : new String[] {"continuing_subword_prefix", "end_of_word_suffix"}) {
            if (!model.path(member).asString("").isEmpty()) {
                problems.add("model." + member + ": this version reads none, found "
                        + model.path(member).asString());
            }
        }
        if (model.path("dropout").asDouble(0) != 0) {
            problems.add("model.dropout: expected none, found " + model.path("dropout"));
        }
        if (!model.path("vocab").isObject() || !model.path("merges").isArray()) {
            problems.add("model: expected a vocab object and a merges array, found "
                    + model.path("vocab").getNodeType() + " and "
                    + model.path("merges").getNodeType());
            return NONE;
        }
        Map<String, Integer> vocab = Vocabulary.read(model.path("vocab"), problems);
        BpeModelBuilder builder = new BpeModelBuilder(vocab, problems);
        merges(model.path("merges"), builder, problems);
        Integer unknown = vocab.get(model.path("unk_token").asString(""));
        boolean ignoreMerges = model.path("ignore_merges").asBoolean(false);
        if (byteLevel) {
            return new TokenizerModels(vocab, builder.build(unknown, ignoreMerges));
        }
        ByteFallback fallback = model.path("byte_fallback").asBoolean(false) ? ByteFallback.of(vocab) : null;
        boolean fuse = model.path("fuse_unk").asBoolean(false);
        return new TokenizerModels(
                vocab, new CharacterBpeModel(vocab, builder.table(), fallback, unknown, fuse, ignoreMerges));
    }

    private static void merges(JsonNode merges, BpeModelBuilder builder, Problems problems) {
        int number = 0;
        for (JsonNode merge : merges) {
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
    }

    private static TokenizerModels unigram(JsonNode model, boolean byteLevel, Problems problems) {
        JsonNode rows = model.path("vocab");
        if (byteLevel || !rows.isArray() || rows.isEmpty() || rows.size() > Vocabulary.MAX_IDS) {
            problems.add("model.vocab: expected a list of tokens with scores, and no ByteLevel split, found "
                    + rows.getNodeType() + " of " + rows.size());
            return NONE;
        }
        Map<String, Integer> vocab = HashMap.newHashMap(rows.size());
        List<String> pieces = new ArrayList<>(rows.size());
        double[] scores = new double[rows.size()];
        for (JsonNode row : rows) {
            int id = pieces.size();
            if (!row.path(0).isString() || !row.path(1).isNumber()) {
                problems.add("model.vocab[" + id + "]: expected a token and its score, found " + row);
                return NONE;
            }
            pieces.add(row.path(0).asString());
            scores[id] = row.path(1).doubleValue();
            // A token twice has its later id, as in the library.
            vocab.put(pieces.get(id), id);
        }
        int unknown = model.path("unk_id").asInt(-1);
        if (unknown >= pieces.size()) {
            problems.add("model.unk_id: expected one of " + pieces.size() + " tokens, found " + unknown);
        }
        ByteFallback fallback = model.path("byte_fallback").asBoolean(false) ? ByteFallback.of(vocab) : null;
        return new TokenizerModels(vocab, new UnigramModel(pieces, scores, unknown, fallback));
    }
}
