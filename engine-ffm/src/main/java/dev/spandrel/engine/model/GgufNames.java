package dev.spandrel.engine.model;

import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of tensors in GGUF files (gguf-py's tensor_mapping.py) and those of Hugging Face checkpoints.
 *
 * @param interleaved whether rows of queries and keys turn in neighbouring pairs
 * @param whole names outside the layers
 * @param parts names within a layer, without weight or bias
 * @param layers what stands before a layer's number
 */
record GgufNames(
        boolean interleaved,
        int heads,
        int kvHeads,
        Map<String, String> whole,
        Map<String, String> parts,
        String layers) {
    private static final Pattern LAYER = Pattern.compile("blk\\.(\\d{1,4})\\.([a-z0-9_]+)\\.(weight|bias)");
    private static final Pattern OTHER = Pattern.compile("([a-z0-9_]+)\\.(weight|bias)");

    /** What llama.cpp's converter reorders. */
    private static final Set<String> INTERLEAVED = Set.of("LlamaForCausalLM", "SmolLM3ForCausalLM");

    private static final Map<String, String> GPT2_WHOLE =
            Map.of("token_embd", "wte", "position_embd", "wpe", "output_norm", "ln_f", "output", "lm_head");
    private static final Map<String, String> GPT2_PARTS = Map.of(
            "attn_norm", "ln_1",
            "attn_qkv", "attn.c_attn",
            "attn_output", "attn.c_proj",
            "ffn_norm", "ln_2",
            "ffn_up", "mlp.c_fc",
            "ffn_down", "mlp.c_proj");
    private static final Map<String, String> LLAMA_WHOLE =
            Map.of("token_embd", "model.embed_tokens", "output_norm", "model.norm", "output", "lm_head");
    private static final Map<String, String> LLAMA_PARTS = Map.ofEntries(
            Map.entry("attn_norm", "input_layernorm"),
            Map.entry("attn_q", "self_attn.q_proj"),
            Map.entry("attn_k", "self_attn.k_proj"),
            Map.entry("attn_v", "self_attn.v_proj"),
            Map.entry("attn_qkv", "self_attn.qkv_proj"),
            Map.entry("attn_output", "self_attn.o_proj"),
            Map.entry("attn_q_norm", "self_attn.q_norm"),
            Map.entry("attn_k_norm", "self_attn.k_norm"),
            Map.entry("post_attention_norm", "post_attention_layernorm"),
            Map.entry("post_ffw_norm", "post_feedforward_layernorm"),
            Map.entry("ffn_gate", "mlp.gate_proj"),
            Map.entry("ffn_up", "mlp.up_proj"),
            Map.entry("ffn_down", "mlp.down_proj"));

    static GgufNames of(String architecture, int heads, int kvHeads) {
        if (architecture.equals("GPT2LMHeadModel")) {
            return new GgufNames(false, heads, kvHeads, GPT2_WHOLE, GPT2_PARTS, "h.");
        }
        Map<String, String> parts = new java.util.HashMap<>(LLAMA_PARTS);
        parts.put(
                "ffn_norm",
                architecture.startsWith("Gemma") ? "pre_feedforward_layernorm" : "post_attention_layernorm");
        if (architecture.equals("Phi3ForCausalLM")) {
            parts.put("ffn_up", "mlp.gate_up_proj");
        }
        boolean interleaved = INTERLEAVED.contains(architecture);
        return new GgufNames(interleaved, heads, kvHeads, LLAMA_WHOLE, parts, "model.layers.");
    }

    /** The name of a tensor in a Hugging Face checkpoint; one this version does not know stays as it is. */
    String huggingFace(String name) {
        Matcher layer = LAYER.matcher(name);
        if (layer.matches()) {
            String part = parts.get(layer.group(2));
            return part == null ? name : layers + layer.group(1) + "." + part + "." + layer.group(3);
        }
        Matcher other = OTHER.matcher(name);
        String known = other.matches() ? whole.get(other.group(1)) : null;
        return known == null ? name : known + "." + other.group(2);
    }

    /** Heads of a tensor whose rows are interleaved, or 0. */
    int interleavedHeads(String name) {
        Matcher layer = LAYER.matcher(name);
        if (!interleaved || !layer.matches()) {
            return 0;
        }
        return switch (layer.group(2)) {
            case "attn_q" -> heads;
            case "attn_k" -> kvHeads;
            default -> 0;
        };
    }
}
