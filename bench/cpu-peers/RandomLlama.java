import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes a Llama with random BF16 weights, as bench/cpu-peers/peer.py writes its GGUF files: for speeds only. */
final class RandomLlama {
    /** Sizes of a model. */
    record Shape(int hidden, int layers, int heads, int kvHeads, int ffn, int vocab) {
        static Shape of(String name) {
            return switch (name) {
                case "a" -> new Shape(576, 30, 9, 3, 1536, 49_152);
                case "b" -> new Shape(896, 24, 14, 2, 4864, 151_936);
                default -> throw new IllegalArgumentException("expected a or b, found " + name);
            };
        }
    }

    private RandomLlama() {}

    /** Arguments: FOLDER SHAPE TOKENIZER. */
    public static void main(String[] args) throws IOException {
        write(Path.of(args[0]), Shape.of(args[1]), Path.of(args[2]));
    }

    /** Makes {@code folder} unless it is there; tokenizer files come from {@code tokenizer}. */
    static void write(Path folder, Shape shape, Path tokenizer) throws IOException {
        String config = """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": %d, "hidden_size": %d,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d,
                 "num_key_value_heads": %d, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5,
                 "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": true, "eos_token_id": 2}
                """.formatted(shape.vocab, shape.hidden, shape.ffn, shape.layers, shape.heads, shape.kvHeads);
        RandomSafetensors.write(folder, tokenizer, config, RandomSafetensors.Type.BF16, shapes(shape));
    }

    private static Map<String, int[]> shapes(Shape s) {
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("model.embed_tokens.weight", new int[] {s.vocab, s.hidden});
        shapes.put("model.norm.weight", new int[] {s.hidden});
        for (int i = 0; i < s.layers; i++) {
            String layer = "model.layers." + i + ".";
            shapes.put(layer + "input_layernorm.weight", new int[] {s.hidden});
            shapes.put(layer + "post_attention_layernorm.weight", new int[] {s.hidden});
            shapes.put(layer + "self_attn.q_proj.weight", new int[] {s.heads * 64, s.hidden});
            shapes.put(layer + "self_attn.k_proj.weight", new int[] {s.kvHeads * 64, s.hidden});
            shapes.put(layer + "self_attn.v_proj.weight", new int[] {s.kvHeads * 64, s.hidden});
            shapes.put(layer + "self_attn.o_proj.weight", new int[] {s.hidden, s.heads * 64});
            shapes.put(layer + "mlp.gate_proj.weight", new int[] {s.ffn, s.hidden});
            shapes.put(layer + "mlp.up_proj.weight", new int[] {s.ffn, s.hidden});
            shapes.put(layer + "mlp.down_proj.weight", new int[] {s.hidden, s.ffn});
        }
        return shapes;
    }
}
