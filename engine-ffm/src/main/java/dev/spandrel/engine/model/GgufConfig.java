package dev.spandrel.engine.model;

import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.GgufMetadata;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a GGUF file says of its model, in the words of {@code config.json} (llama.cpp's src/llama-model.cpp and its converter
 * say which key means what). Where the file leaves out what llama.cpp knows by the architecture, so does this page.
 */
final class GgufConfig {
    private static final Map<String, String> ARCHITECTURES = new TreeMap<>(Map.of(
            "llama", "LlamaForCausalLM",
            "qwen2", "Qwen2ForCausalLM",
            "qwen3", "Qwen3ForCausalLM",
            "smollm3", "SmolLM3ForCausalLM",
            "olmo2", "Olmo2ForCausalLM",
            "phi3", "Phi3ForCausalLM",
            "gemma2", "Gemma2ForCausalLM",
            "gemma3", "Gemma3ForCausalLM",
            "gpt2", "GPT2LMHeadModel"));

    /** Layers of the models whose attention is scaled by the width that heads would have without a head_dim. */
    private static final int GEMMA2_27B_LAYERS = 46;

    private static final int GEMMA3_27B_LAYERS = 62;

    private final GgufMetadata metadata;
    private final String prefix;
    private final ObjectNode config = JsonNodeFactory.instance.objectNode();

    private GgufConfig(GgufMetadata metadata, String prefix) {
        this.metadata = metadata;
        this.prefix = prefix;
    }

    /** @throws EngineException.ModelLoad when the architecture is not supported, or values are of another type */
    static ObjectNode read(GgufMetadata metadata) {
        String architecture = metadata.text("general.architecture").orElse("none");
        if (!ARCHITECTURES.containsKey(architecture)) {
            throw new EngineException.ModelLoad(
                    metadata.file().toString(),
                    "general.architecture: expected one of " + ARCHITECTURES.keySet() + ", found " + architecture);
        }
        return new GgufConfig(metadata, architecture + ".").run(architecture);
    }

    private ObjectNode run(String architecture) {
        config.putArray("architectures").add(ARCHITECTURES.get(architecture));
        config.put("tie_word_embeddings", metadata.shape("output.weight") == null);
        metadata.integer("tokenizer.ggml.eos_token_id").ifPresent(id -> config.put("eos_token_id", id.intValue()));
        config.put("vocab_size", vocabSize());
        if (architecture.equals("gpt2")) {
            gpt2();
        } else {
            llama();
            special(architecture);
        }
        return config;
    }

    private int vocabSize() {
        List<Long> embedding = metadata.shape("token_embd.weight");
        if (embedding != null && !embedding.isEmpty()) {
            return whole(embedding.getFirst());
        }
        return metadata.integer(prefix + "vocab_size")
                .map(GgufConfig::whole)
                .orElseGet(() -> metadata.list("tokenizer.ggml.tokens").size());
    }

    private void gpt2() {
        integer("block_count", "n_layer");
        integer("embedding_length", "n_embd");
        integer("attention.head_count", "n_head");
        integer("context_length", "n_positions");
        number("attention.layer_norm_epsilon", "layer_norm_epsilon");
        // Converters write four times the width, whatever the model has.
        List<Long> inner = metadata.shape("blk.0.ffn_up.weight");
        if (inner != null && !inner.isEmpty()) {
            config.put("n_inner", whole(inner.getFirst()));
        }
    }

    private void llama() {
        integer("block_count", "num_hidden_layers");
        integer("embedding_length", "hidden_size");
        integer("feed_forward_length", "intermediate_size");
        integer("attention.head_count", "num_attention_heads");
        integer("attention.head_count_kv", "num_key_value_heads");
        integer("context_length", "max_position_embeddings");
        number("attention.layer_norm_rms_epsilon", "rms_norm_eps");
        config.put("attention_bias", metadata.shape("blk.0.attn_q.bias") != null);
        config.put("mlp_bias", metadata.shape("blk.0.ffn_up.bias") != null);
        metadata.integer(prefix + "attention.sliding_window")
                .filter(window -> window > 0)
                .ifPresent(window -> config.put("sliding_window", whole(window)));
        long heads = Math.max(1, firstOf("attention.head_count"));
        long headDim = metadata.integer(prefix + "attention.key_length")
                .orElse(metadata.integer(prefix + "embedding_length").orElse(0L) / heads);
        if (headDim > 0) {
            config.put("head_dim", whole(headDim));
            metadata.integer(prefix + "rope.dimension_count")
                    .filter(turning -> turning < headDim)
                    .ifPresent(turning -> config.put("partial_rotary_factor", (double) turning / headDim));
        }
        GgufRope.read(metadata, prefix).ifPresent(rope -> config.set("rope_parameters", rope));
    }

    /** What llama.cpp does by the architecture alone. */
    private void special(String architecture) {
        int layers = (int) firstOf("block_count");
        switch (architecture) {
            case "gemma2" -> {
                number("attn_logit_softcapping", "attn_logit_softcapping");
                number("final_logit_softcapping", "final_logit_softcapping");
                queryScale(layers == GEMMA2_27B_LAYERS);
            }
            case "gemma3" -> {
                number("final_logit_softcapping", "final_logit_softcapping");
                queryScale(layers == GEMMA3_27B_LAYERS);
                pattern();
            }
            case "phi3" -> integer("rope.scaling.original_context_length", "original_max_position_embeddings");
            case "olmo2" -> {
                if (config.has("sliding_window")) {
                    throw new EngineException.ModelLoad(
                            metadata.file().toString(),
                            "olmo2.attention.sliding_window: expected none, found " + config.get("sliding_window")
                                    + "; this version does not read OLMo 3");
                }
            }
            default -> {}
        }
    }

    private void queryScale(boolean byWidth) {
        long heads = Math.max(1, firstOf("attention.head_count"));
        long width = byWidth
                ? metadata.integer(prefix + "embedding_length").orElse(0L) / heads
                : config.path("head_dim").asLong(0);
        config.put("query_pre_attn_scalar", width);
    }

    /** Which layers have a window: every how many one has none, or a flag for each layer. */
    private void pattern() {
        String key = prefix + "attention.sliding_window_pattern";
        if (metadata.shown(key).startsWith("an array")) {
            ArrayNode types = config.putArray("layer_types");
            metadata.list(key)
                    .forEach(slides -> types.add(Boolean.TRUE.equals(slides) ? "sliding_attention" : "full_attention"));
        } else {
            metadata.integer(key).ifPresent(step -> config.put("sliding_window_pattern", whole(step)));
        }
    }

    /** A whole number; of a list with one entry for each layer the first, when all are equal. */
    private void integer(String key, String name) {
        if (metadata.has(prefix + key)) {
            config.put(name, whole(firstOf(key)));
        }
    }

    private long firstOf(String key) {
        String full = prefix + key;
        if (!metadata.shown(full).startsWith("an array")) {
            return metadata.integer(full).orElse(0L);
        }
        List<Object> each = metadata.list(full);
        if (each.isEmpty() || each.stream().distinct().count() != 1 || !(each.getFirst() instanceof Long value)) {
            throw new EngineException.ModelLoad(
                    metadata.file().toString(), full + ": expected the same for every layer, found different ones");
        }
        return value;
    }

    private void number(String key, String name) {
        metadata.number(prefix + key).ifPresent(value -> config.put(name, value));
    }

    /** As far as {@link ModelConfig#integer} reads; what is beyond is refused there as what it is. */
    private static int whole(long value) {
        return Math.clamp(value, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }
}
