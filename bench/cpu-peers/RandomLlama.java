import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

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

    /** Makes {@code folder} unless it is there; tokenizer files come from {@code tokenizer}. */
    static void write(Path folder, Shape shape, Path tokenizer) throws IOException {
        if (Files.exists(folder.resolve("model.safetensors"))) {
            return;
        }
        Files.createDirectories(folder);
        for (String file : new String[] {"vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"}) {
            Files.writeString(folder.resolve(file), Files.readString(tokenizer.resolve(file)));
        }
        Files.writeString(folder.resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": %d, "hidden_size": %d,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d,
                 "num_key_value_heads": %d, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5,
                 "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": true, "eos_token_id": 2}
                """.formatted(shape.vocab, shape.hidden, shape.ffn, shape.layers, shape.heads, shape.kvHeads));
        Path part = folder.resolve("model.safetensors.part");
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(part), 1 << 20)) {
            write(out, shapes(shape));
        }
        Files.move(part, folder.resolve("model.safetensors"));
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

    private static void write(OutputStream out, Map<String, int[]> shapes) throws IOException {
        StringBuilder header = new StringBuilder("{");
        long offset = 0;
        for (Map.Entry<String, int[]> entry : shapes.entrySet()) {
            long bytes = 2;
            StringBuilder shape = new StringBuilder();
            for (int size : entry.getValue()) {
                bytes *= size;
                shape.append(shape.isEmpty() ? "" : ",").append(size);
            }
            header.append(header.length() == 1 ? "" : ",")
                    .append('"').append(entry.getKey()).append("\":{\"dtype\":\"BF16\",\"shape\":[").append(shape)
                    .append("],\"data_offsets\":[").append(offset).append(',').append(offset + bytes).append("]}");
            offset += bytes;
        }
        header.append('}');
        header.repeat(' ', (8 - header.length() % 8) % 8);
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
        out.write(json);
        SplittableRandom random = new SplittableRandom(7);
        byte[] chunk = new byte[1 << 16];
        ByteBuffer shorts = ByteBuffer.wrap(chunk).order(ByteOrder.LITTLE_ENDIAN);
        for (long left = offset; left > 0; left -= chunk.length) {
            shorts.clear();
            while (shorts.hasRemaining()) {
                shorts.putShort((short) (Float.floatToRawIntBits((float) random.nextDouble(-0.05, 0.05)) >>> 16));
            }
            out.write(chunk, 0, (int) Math.min(chunk.length, left));
        }
    }
}
