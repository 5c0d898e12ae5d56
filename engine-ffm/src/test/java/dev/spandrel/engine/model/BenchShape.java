package dev.spandrel.engine.model;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Sizes of a network that {@code bench/gpu/run.sh} measures; weights are BF16, 0 kvHeads is OPT. */
record BenchShape(
        String name, int hidden, int inner, int layers, int heads, int kvHeads, int headDim, int vocab, boolean tied) {
    static final List<BenchShape> ALL = List.of(
            // Small enough for the emulated driver, which bench/gpu/run.sh --rehearse runs on.
            new BenchShape("rehearsal", 64, 128, 2, 4, 2, 16, 512, false),
            new BenchShape("opt-125m", 768, 3072, 12, 12, 0, 64, 50_272, true),
            new BenchShape("llama-1b", 2048, 8192, 16, 32, 8, 64, 128_256, true),
            new BenchShape("llama-8b", 4096, 14_336, 32, 32, 8, 128, 128_256, false));

    /** The shape of that name. */
    static BenchShape named(String name) {
        return ALL.stream()
                .filter(shape -> shape.name.equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "expected one of " + ALL.stream().map(BenchShape::name).toList() + ", found " + name));
    }

    private Map<String, int[]> tensors() {
        Map<String, int[]> all = new LinkedHashMap<>();
        all.put("model.embed_tokens.weight", new int[] {vocab, hidden});
        for (int i = 0; i < layers; i++) {
            String layer = "model.layers." + i + ".";
            all.put(layer + "input_layernorm.weight", new int[] {hidden});
            all.put(layer + "self_attn.q_proj.weight", new int[] {heads * headDim, hidden});
            all.put(layer + "self_attn.k_proj.weight", new int[] {kvHeads * headDim, hidden});
            all.put(layer + "self_attn.v_proj.weight", new int[] {kvHeads * headDim, hidden});
            all.put(layer + "self_attn.o_proj.weight", new int[] {hidden, heads * headDim});
            all.put(layer + "post_attention_layernorm.weight", new int[] {hidden});
            all.put(layer + "mlp.gate_proj.weight", new int[] {inner, hidden});
            all.put(layer + "mlp.up_proj.weight", new int[] {inner, hidden});
            all.put(layer + "mlp.down_proj.weight", new int[] {hidden, inner});
        }
        all.put("model.norm.weight", new int[] {hidden});
        if (!tied) {
            all.put("lm_head.weight", new int[] {vocab, hidden});
        }
        return all;
    }

    private Map<String, int[]> optTensors() {
        Map<String, int[]> all = new LinkedHashMap<>();
        String root = "model.decoder.";
        all.put(root + "embed_tokens.weight", new int[] {vocab, hidden});
        all.put(root + "embed_positions.weight", new int[] {2050, hidden});
        biased(all, root + "final_layer_norm", hidden);
        for (int i = 0; i < layers; i++) {
            String layer = root + "layers." + i + ".";
            biased(all, layer + "self_attn_layer_norm", hidden);
            biased(all, layer + "final_layer_norm", hidden);
            for (String name : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
                biased(all, layer + "self_attn." + name, hidden, hidden);
            }
            biased(all, layer + "fc1", inner, hidden);
            biased(all, layer + "fc2", hidden, inner);
        }
        return all;
    }

    private static void biased(Map<String, int[]> all, String name, int... weight) {
        all.put(name + ".weight", weight);
        all.put(name + ".bias", new int[] {weight[0]});
    }

    String config() {
        return kvHeads == 0
                ? """
                {"architectures": ["OPTForCausalLM"], "model_type": "opt", "vocab_size": %d, "hidden_size": %d, "ffn_dim": %d,
                 "num_hidden_layers": %d, "num_attention_heads": %d, "max_position_embeddings": 2048, "eos_token_id": 2, "torch_dtype": "bfloat16"}
                """.formatted(vocab, hidden, inner, layers, heads)
                : """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": %d, "hidden_size": %d,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d,
                 "head_dim": %d, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
                 "hidden_act": "silu", "tie_word_embeddings": %b, "eos_token_id": 2, "torch_dtype": "bfloat16"}
                """.formatted(vocab, hidden, inner, layers, heads, kvHeads, headDim, tied);
    }

    long kvBytesPerToken() {
        return 2L * 2 * layers * (kvHeads == 0 ? heads : kvHeads) * headDim;
    }

    /** Bytes of weights that one token reads: all but an embedding that is not the head as well. */
    long weightBytes() {
        long all = 0;
        for (int[] size : (kvHeads == 0 ? optTensors() : tensors()).values()) {
            all += size.length == 1 ? 4L * size[0] : 2L * size[0] * size[1];
        }
        return tied ? all : all - 2L * vocab * hidden;
    }

    /** A header in front of a hole: the file takes no room, and reads as zeros until the device makes them random. */
    void write(Path folder) throws IOException {
        Files.writeString(folder.resolve("config.json"), config());
        StringBuilder header = new StringBuilder("{");
        long at = 0;
        for (Map.Entry<String, int[]> tensor : (kvHeads == 0 ? optTensors() : tensors()).entrySet()) {
            long bytes = 2;
            for (int size : tensor.getValue()) {
                bytes *= size;
            }
            header.append(header.length() == 1 ? "" : ",")
                    .append("\"%s\":{\"dtype\":\"BF16\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                            .formatted(tensor.getKey(), Arrays.toString(tensor.getValue()), at, at + bytes));
            at += bytes;
        }
        byte[] json = header.append("}").toString().getBytes(StandardCharsets.UTF_8);
        byte[] length = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .array();
        try (RandomAccessFile file =
                new RandomAccessFile(folder.resolve("model.safetensors").toFile(), "rw")) {
            file.write(length);
            file.write(json);
            file.setLength(8 + json.length + at);
        }
    }
}
