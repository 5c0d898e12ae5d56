package dev.spandrel.engine.model;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cuda.CudaBackend;
import dev.spandrel.engine.backend.cuda.CudaOptions;
import dev.spandrel.engine.backend.cuda.GpuMeasures;
import dev.spandrel.engine.cuda.CudaLibrary;
import dev.spandrel.engine.cuda.CudaProbe;
import dev.spandrel.engine.cuda.CudaSettings;
import dev.spandrel.engine.tensor.Buffer;
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

/**
 * What {@code bench/gpu/run.sh} measures: the read bandwidth of this device, then decode and prefill of common shapes with
 * random weights, as shares of the bound that follows from it. Times are medians after warm-up.
 */
public final class GpuBench {
    private static final int BLOCK_SIZE = 16;
    private static final int CONTEXT = Integer.getInteger("context", 2048);
    private static final int PROMPT = Integer.getInteger("prompt", 4096);
    private static final int STEPS = Integer.getInteger("steps", 64);

    /** A network's sizes; weights are BF16, 0 kvHeads is OPT. */
    private record Shape(
            String name,
            int hidden,
            int inner,
            int layers,
            int heads,
            int kvHeads,
            int headDim,
            int vocab,
            boolean tied) {
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
                     "num_hidden_layers": %d, "num_attention_heads": %d, "max_position_embeddings": 2048, "eos_token_id": 2}
                    """.formatted(vocab, hidden, inner, layers, heads)
                    : """
                    {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": %d, "hidden_size": %d,
                     "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": %d, "num_key_value_heads": %d,
                     "head_dim": %d, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
                     "hidden_act": "silu", "tie_word_embeddings": %b, "eos_token_id": 2}
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
    }

    private static final List<Shape> SHAPES = List.of(
            // Small enough for the emulated driver, which bench/gpu/run.sh --rehearse runs on.
            new Shape("rehearsal", 64, 128, 2, 4, 2, 16, 512, false),
            new Shape("opt-125m", 768, 3072, 12, 12, 0, 64, 50_272, true),
            new Shape("llama-1b", 2048, 8192, 16, 32, 8, 64, 128_256, true),
            new Shape("llama-8b", 4096, 14_336, 32, 32, 8, 128, 128_256, false));

    private GpuBench() {}

    /** Prints one line per measurement: name, value, unit. With {@code --probe} says what is there and measures nothing; 3 is no GPU. */
    public static void main(String[] args) throws IOException {
        CudaSettings settings = CudaSettings.of(
                System.getProperty("spandrel.cuda.library.path", ""),
                System.getenv(),
                Path.of(System.getProperty("user.home")));
        if (!(CudaLibrary.probe(settings) instanceof CudaProbe.Present present)) {
            CudaProbe.Absent absent = (CudaProbe.Absent) CudaLibrary.probe(settings);
            System.err.println("no GPU: " + absent.reason() + " (" + absent.cure() + ")");
            System.exit(3);
            return;
        }
        System.out.println("driver " + present.driver() + ", nvrtc " + present.nvrtc() + ", " + present.libraries());
        if (List.of(args).equals(List.of("--probe"))) {
            return;
        }
        CudaOptions options = CudaOptions.of(settings, new WeightPolicy("bfloat16", "none"), 0.95);
        double bandwidth;
        try (CudaBackend backend = new CudaBackend(options)) {
            System.out.println(backend.description());
            bandwidth = GpuMeasures.readBandwidth(backend);
            line("read bandwidth", bandwidth / 1e9, "GB/s");
        }
        List<String> wanted = args.length == 0 ? List.of("opt-125m", "llama-1b", "llama-8b") : List.of(args);
        for (Shape shape : SHAPES) {
            if (wanted.contains(shape.name)) {
                measure(shape, options, bandwidth);
            }
        }
    }

    private static void measure(Shape shape, CudaOptions options, double bandwidth) throws IOException {
        Path folder = Files.createTempDirectory("spandrel-gpu-bench");
        try (CudaBackend backend = new CudaBackend(options)) {
            write(folder, shape);
            long begin = System.nanoTime();
            StepLimits limits = new StepLimits(PROMPT, 64, PROMPT + CONTEXT);
            Model model = ModelLoader.load(ModelConfig.read(folder), backend, limits);
            line(shape.name + " load", (System.nanoTime() - begin) / 1e9, "s");
            GpuMeasures.randomize(backend);
            int perSequence = (PROMPT + CONTEXT) / BLOCK_SIZE;
            int sequences = shape.name.equals("llama-8b") ? 64 : 1;
            int blocks = Math.max(perSequence, sequences * (CONTEXT / BLOCK_SIZE + 8));
            KvCache cache = KvCache.allocate(backend, model, blocks, BLOCK_SIZE, KvDType.BF16);
            for (int batch : sequences == 1 ? new int[] {1} : new int[] {1, 8, 64}) {
                decode(shape, backend, model, cache, batch, bandwidth);
                for (boolean ahead : new boolean[] {false, true}) {
                    overlap(shape, backend, model, cache, batch, ahead);
                }
            }
            if (shape.kvHeads > 0) {
                prefill(shape, backend, model, cache);
            }
        } finally {
            try (var files = Files.list(folder)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(folder);
        }
    }

    private static void decode(
            Shape shape, CudaBackend backend, Model model, KvCache cache, int batch, double bandwidth) {
        ForwardInput input = new ForwardInput(PROMPT, 64, 64, BLOCK_SIZE);
        Draws draws = new Draws(64);
        int[] drawn = new int[64];
        int length = Math.min(CONTEXT, 2048 - 2 * STEPS);
        int[] tokens = new int[length + 2 * STEPS + 1];
        int tableSize = tokens.length / BLOCK_SIZE + 1;
        long[] device = new long[STEPS];
        long[] host = new long[STEPS];
        for (int step = -STEPS / 2; step < STEPS; step++) {
            int position = length + STEPS / 2 + step;
            long begin = System.nanoTime();
            input.clear();
            draws.clear();
            for (int s = 0; s < batch; s++) {
                tokens[position] = (s + step + STEPS) % shape.vocab;
                input.add(tokens, position, position + 1, table(s, tableSize), 1);
                draws.add(s, 0, 0, 1, 0);
            }
            GpuMeasures.begin(backend);
            Buffer logits = pass(backend, model, input, cache, batch);
            backend.draw(logits, shape.vocab, draws);
            GpuMeasures.end(backend);
            long enqueued = System.nanoTime();
            backend.readDrawn(drawn);
            if (step >= 0) {
                device[step] = GpuMeasures.elapsedNanos(backend);
                host[step] = enqueued - begin;
            }
        }
        long nanos = median(device);
        String name = shape.name + " decode, " + batch + " sequences at " + length + " tokens";
        line(name, batch * 1e9 / nanos, "tok/s");
        double bytes = shape.weightBytes() + (double) batch * shape.kvBytesPerToken() * length;
        line(
                name + ", share of " + Math.round(bytes / 1e6) + " MB at the read bandwidth",
                100 * bytes / bandwidth / (nanos / 1e9),
                "%");
        line(name + ", host time of a step", median(host) / 1e3, "us");
    }

    /**
     * Decoding by the wall clock, publishing left out: each pass behind the ids of the last one, or sent off with places for them
     * before they are read, as the engine does it.
     */
    private static void overlap(
            Shape shape, CudaBackend backend, Model model, KvCache cache, int batch, boolean ahead) {
        ForwardInput input = new ForwardInput(PROMPT, 64, 64, BLOCK_SIZE);
        Draws draws = new Draws(64);
        int[] drawn = new int[64];
        int length = Math.min(CONTEXT, 2048 - 2 * STEPS);
        int[] tokens = new int[length + 2 * STEPS + 1];
        int tableSize = tokens.length / BLOCK_SIZE + 1;
        long[] wall = new long[STEPS];
        for (int step = -STEPS / 2; step < STEPS; step++) {
            int position = length + STEPS / 2 + step;
            boolean first = step == -STEPS / 2;
            long begin = System.nanoTime();
            input.clear();
            for (int s = 0; s < batch; s++) {
                tokens[position] = first ? s % shape.vocab : ahead ? -1 - s : drawn[s];
                input.add(tokens, position, position + 1, table(s, tableSize), 1);
            }
            Buffer logits = pass(backend, model, input, cache, batch);
            if (ahead && !first) {
                backend.readDrawn(drawn);
            }
            draws.clear();
            for (int s = 0; s < batch; s++) {
                draws.add(s, 0, 0, 1, 0);
            }
            backend.draw(logits, shape.vocab, draws);
            if (!ahead) {
                backend.readDrawn(drawn);
            }
            if (step >= 0) {
                wall[step] = System.nanoTime() - begin;
            }
        }
        backend.readDrawn(drawn);
        line(
                shape.name + " decode, " + batch + " sequences, "
                        + (ahead ? "sent off before ids are read" : "one by one") + ", a step",
                median(wall) / 1e3,
                "us");
    }

    private static int[] table(int sequence, int size) {
        int[] table = new int[size];
        for (int i = 0; i < size; i++) {
            table[i] = sequence * size + i;
        }
        return table;
    }

    private static Buffer pass(Backend backend, Model model, ForwardInput input, KvCache cache, int logitRows) {
        backend.beginStep(input.metadata(), logitRows);
        Buffer logits = model.forward(input, cache);
        backend.endStep();
        return logits;
    }

    private static void prefill(Shape shape, CudaBackend backend, Model model, KvCache cache) {
        int length = PROMPT;
        ForwardInput input = new ForwardInput(length, 1, 64, BLOCK_SIZE);
        long[] device = new long[5];
        for (int run = -1; run < device.length; run++) {
            input.clear();
            input.add(new int[length], 0, length, table(0, length / BLOCK_SIZE), 1);
            GpuMeasures.begin(backend);
            pass(backend, model, input, cache, 1);
            GpuMeasures.end(backend);
            if (run >= 0) {
                device[run] = GpuMeasures.elapsedNanos(backend);
            }
        }
        long nanos = median(device);
        int width = shape.heads * shape.headDim;
        int kvWidth = shape.kvHeads * shape.headDim;
        long products = 0;
        for (int[] size : new int[][] {
            {width + 2 * kvWidth, shape.hidden},
            {shape.hidden, width},
            {2 * shape.inner, shape.hidden},
            {shape.hidden, shape.inner}
        }) {
            products += shape.layers * GpuMeasures.productNanos(backend, length, size[1], size[0]);
        }
        line(shape.name + " prefill of " + length, length * 1e9 / nanos, "tok/s");
        line(
                shape.name + " prefill, share of the rate of its bare products (" + GpuMeasures.yardstick() + ")",
                100.0 * products / nanos,
                "%");
    }

    private static long median(long[] values) {
        long[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static void line(String name, double value, String unit) {
        System.out.printf(java.util.Locale.ROOT, "%s: %.2f %s%n", name, value, unit);
    }

    /** A header in front of a hole: the file takes no room, and reads as zeros until the device makes them random. */
    private static void write(Path folder, Shape shape) throws IOException {
        Files.writeString(folder.resolve("config.json"), shape.config());
        StringBuilder header = new StringBuilder("{");
        long at = 0;
        for (Map.Entry<String, int[]> tensor : (shape.kvHeads == 0 ? shape.optTensors() : shape.tensors()).entrySet()) {
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
