package dev.spandrel.engine.tokenizer;

import java.util.HashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** Reads tokens and ids as {@code vocab.json} and {@code tokenizer.json} write them: an object of token to id. */
final class Vocabulary {
    /** Sixteen times the largest vocabulary in use; bounds the tables a small file can ask for. */
    static final int MAX_IDS = 1 << 22;

    /** Ids that any vocabulary may reach, and how many more each token brings: gaps are rare and short. */
    private static final int IDS_ANYWAY = 1 << 16;

    private static final int IDS_PER_TOKEN = 16;

    private Vocabulary() {}

    /** Id by token; what does not fit becomes a problem. */
    static Map<String, Integer> read(JsonNode object, Problems problems) {
        Map<String, Integer> ids = HashMap.newHashMap(object.size());
        Map<Integer, String> tokens = HashMap.newHashMap(object.size());
        int limit = limit(object.size());
        object.properties().forEach(entry -> {
            String token = entry.getKey();
            JsonNode value = entry.getValue();
            if (!isId(value) || value.intValue() >= limit) {
                problems.add("token " + token + ": expected an id from 0 to " + (limit - 1) + ", found " + value);
                return;
            }
            String other = tokens.putIfAbsent(value.intValue(), token);
            if (other != null) {
                problems.add("token " + token + ": id " + value + " is already that of " + other);
                return;
            }
            ids.put(token, value.intValue());
        });
        if (object.isEmpty()) {
            problems.add("expected a vocabulary, found no token");
        }
        return ids;
    }

    /** What ids of so many tokens stay below: tables by id must not outgrow the file that asks for them. */
    static int limit(int tokens) {
        return (int) Math.min(MAX_IDS, IDS_ANYWAY + (long) IDS_PER_TOKEN * tokens);
    }

    /** Whether a value is a number that can be a token id. */
    static boolean isId(JsonNode value) {
        return value != null
                && value.isIntegralNumber()
                && value.canConvertToInt()
                && value.intValue() >= 0
                && value.intValue() < MAX_IDS;
    }
}
