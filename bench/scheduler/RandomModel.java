import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes a model folder of the OPT architecture with random F16 weights: for speeds only. Its parameters are those of a Llama
 * of 135M (hidden 576, 30 layers, vocabulary 49,152), the feed-forward width chosen so that two matrices weigh as much as
 * that one's three.
 */
final class RandomModel {
    private static final int HIDDEN = 576;
    private static final int LAYERS = 30;
    private static final int HEADS = 9;
    private static final int FFN = 2304;
    private static final int VOCAB = 49_152;
    private static final int POSITIONS = 8192;

    private RandomModel() {}

    /** Makes {@code folder} unless it is there; tokenizer files come from {@code tokenizer}. */
    static void write(Path folder, Path tokenizer) throws IOException {
        String config = """
                {"architectures": ["OPTForCausalLM"], "model_type": "opt", "vocab_size": %d, "hidden_size": %d,
                 "ffn_dim": %d, "num_hidden_layers": %d, "num_attention_heads": %d, "max_position_embeddings": %d,
                 "eos_token_id": 2}
                """.formatted(VOCAB, HIDDEN, FFN, LAYERS, HEADS, POSITIONS);
        RandomSafetensors.write(folder, tokenizer, config, RandomSafetensors.Type.F16, shapes());
    }

    private static Map<String, int[]> shapes() {
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("model.decoder.embed_tokens.weight", new int[] {VOCAB, HIDDEN});
        shapes.put("model.decoder.embed_positions.weight", new int[] {POSITIONS + 2, HIDDEN});
        norm(shapes, "model.decoder.final_layer_norm");
        for (int i = 0; i < LAYERS; i++) {
            String layer = "model.decoder.layers." + i + ".";
            norm(shapes, layer + "self_attn_layer_norm");
            norm(shapes, layer + "final_layer_norm");
            for (String name : new String[] {"q_proj", "k_proj", "v_proj", "out_proj"}) {
                linear(shapes, layer + "self_attn." + name, HIDDEN, HIDDEN);
            }
            linear(shapes, layer + "fc1", FFN, HIDDEN);
            linear(shapes, layer + "fc2", HIDDEN, FFN);
        }
        return shapes;
    }

    private static void norm(Map<String, int[]> shapes, String name) {
        shapes.put(name + ".weight", new int[] {HIDDEN});
        shapes.put(name + ".bias", new int[] {HIDDEN});
    }

    private static void linear(Map<String, int[]> shapes, String name, int out, int in) {
        shapes.put(name + ".weight", new int[] {out, in});
        shapes.put(name + ".bias", new int[] {out});
    }
}
