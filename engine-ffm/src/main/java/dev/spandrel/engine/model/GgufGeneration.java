package dev.spandrel.engine.model;

import dev.spandrel.engine.checkpoint.GgufMetadata;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What a GGUF file says about generating, in the words of {@code generation_config.json}. */
final class GgufGeneration {
    /**
     * Control tokens that end a turn in the formats of chat that are in use. Files name one end of sequence where
     * generation_config.json names several; llama.cpp takes these by their text too.
     */
    private static final Set<String> ENDS =
            Set.of("<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<end_of_turn>", "<|end|>", "<|endoftext|>");

    private static final long CONTROL = 3;

    private GgufGeneration() {}

    static ObjectNode read(GgufMetadata metadata) {
        ObjectNode generation = JsonNodeFactory.instance.objectNode();
        Set<Integer> ends = new TreeSet<>();
        for (String role : List.of("eos", "eot", "eom")) {
            metadata.integer("tokenizer.ggml." + role + "_token_id").ifPresent(id -> ends.add(id.intValue()));
        }
        List<Object> tokens = metadata.list("tokenizer.ggml.tokens");
        List<Object> types = metadata.list("tokenizer.ggml.token_type");
        for (int id = 0; id < Math.min(tokens.size(), types.size()); id++) {
            if (types.get(id).equals(CONTROL) && tokens.get(id) instanceof String text && ENDS.contains(text)) {
                ends.add(id);
            }
        }
        ArrayNode ids = generation.putArray("eos_token_id");
        ends.forEach(ids::add);
        copy(metadata, "temp", generation, "temperature");
        copy(metadata, "top_p", generation, "top_p");
        copy(metadata, "min_p", generation, "min_p");
        copy(metadata, "penalty_repeat", generation, "repetition_penalty");
        metadata.integer("general.sampling.top_k").ifPresent(k -> generation.put("top_k", k.intValue()));
        return generation;
    }

    private static void copy(GgufMetadata metadata, String key, ObjectNode generation, String name) {
        metadata.number("general.sampling." + key).ifPresent(value -> generation.put(name, value));
    }
}
