package dev.spandrel.engine.tokenizer;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * Gathers added tokens from the four places they are declared in; the later place decides the flags. A special token named
 * by role that has no id anywhere is left out: it could not be one the model knows.
 */
final class AddedTokenCollector {
    private final Map<String, Integer> vocab;
    private final Map<Integer, String> modelTokens;
    private final Map<Integer, AddedToken> tokens = new TreeMap<>();
    private final Map<String, Integer> ids = new HashMap<>();

    AddedTokenCollector(Map<String, Integer> vocab) {
        this.vocab = vocab;
        modelTokens = HashMap.newHashMap(vocab.size());
        vocab.forEach((token, id) -> modelTokens.put(id, token));
    }

    /** {@code added_tokens} of {@code tokenizer.json}: a list of objects with id. */
    void tokenizerJson(JsonNode list, Problems problems) {
        for (JsonNode entry : list) {
            if (Vocabulary.isId(entry.get("id")) && TokenizerConfig.token(entry).isPresent()) {
                put(entry.get("id").intValue(), TokenizerConfig.token(entry).get(), problems);
            } else {
                problems.add("added_tokens: expected id and content, found " + entry);
            }
        }
    }

    /** {@code added_tokens.json}: an object of token to id. */
    void addedTokensJson(Path file) {
        JsonNode object = JsonFile.readIfPresent(file);
        Problems problems = new Problems(file);
        object.properties().forEach(entry -> {
            if (Vocabulary.isId(entry.getValue()) && !entry.getKey().isEmpty()) {
                put(entry.getValue().intValue(), AddedToken.plain(entry.getKey()), problems);
            } else {
                problems.add("token " + entry.getKey() + ": expected an id from 0 to " + (Vocabulary.MAX_IDS - 1)
                        + ", found " + entry.getValue());
            }
        });
        problems.throwIfAny();
    }

    /** {@code tokenizer_config.json}: the decoder and the tokens by role. */
    void config(TokenizerConfig config) {
        Problems problems = new Problems(config.file());
        config.added().forEach((id, token) -> put(id, token, problems));
        config.roles().values().forEach(token -> {
            Integer id = id(token.content());
            if (id != null) {
                AddedToken known = tokens.get(id);
                put(id, known == null ? token : known.asSpecial(), problems);
            }
        });
        problems.throwIfAny();
    }

    Map<Integer, AddedToken> tokens() {
        return tokens;
    }

    /** The id of a token in the vocabulary or among those added, or null. */
    Integer id(String token) {
        return ids.getOrDefault(token, vocab.get(token));
    }

    private void put(int id, AddedToken token, Problems problems) {
        Integer otherId = id(token.content());
        AddedToken otherToken = tokens.get(id);
        String other = otherToken == null ? modelTokens.get(id) : otherToken.content();
        int limit = Vocabulary.limit(vocab.size() + tokens.size());
        if (id >= limit) {
            problems.add("token " + token.content() + ": expected an id from 0 to " + (limit - 1)
                    + " beside a vocabulary of " + vocab.size() + ", found " + id);
        } else if (otherId != null && otherId != id) {
            problems.add("token " + token.content() + ": expected id " + otherId + " as elsewhere, found " + id);
        } else if (other != null && !other.equals(token.content())) {
            problems.add("token " + token.content() + ": id " + id + " is already that of " + other);
        } else {
            tokens.put(id, token);
            ids.put(token.content(), id);
        }
    }
}
