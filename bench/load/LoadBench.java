import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.checkpoint.LoadFormat;
import dev.spandrel.engine.model.Model;
import dev.spandrel.engine.model.ModelConfig;
import dev.spandrel.engine.model.ModelLoader;
import dev.spandrel.engine.model.StepLimits;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Loads a model of a gigabyte in a fresh JVM: mapping, checking, packing. Makes the model first where it is missing: Llama's
 * shape, BF16, numbers that repeat every megabyte. A GGUF file is loaded as it is; make_gguf.py makes one.
 */
final class LoadBench {
    private static final int HIDDEN = 2048;
    private static final int INTERMEDIATE = 5632;
    private static final int LAYERS = 8;
    private static final int KV = 512;
    private static final int VOCAB = 32_000;

    private LoadBench() {}

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        Path file = Files.isRegularFile(folder) ? folder : folder.resolve("model.safetensors");
        if (!Files.exists(file)) {
            make(folder);
            return;
        }
        String dtype = args.length > 1 ? args[1] : "auto";
        String quantization = args.length > 2 ? args[2] : "none";
        long start = System.nanoTime();
        try (Backend backend = new CpuBackend(BackendOptions.threads(0).with(new WeightPolicy(dtype, quantization)))) {
            Model model = ModelLoader.load(
                    ModelConfig.read(folder), LoadFormat.AUTO, backend, new StepLimits(16, 16, 2048), () -> {});
            System.out.printf(
                    "%s %s: %d weights, %d bytes on disk, %.2f s%n",
                    dtype,
                    quantization,
                    model.parameters(),
                    Files.size(file),
                    (System.nanoTime() - start) / 1e9);
        }
    }

    private static void make(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(
                folder.resolve("config.json"),
                ("{'architectures':['LlamaForCausalLM'],'hidden_size':%d,'intermediate_size':%d,'num_hidden_layers':%d,"
                                + "'num_attention_heads':16,'num_key_value_heads':4,'vocab_size':%d,"
                                + "'max_position_embeddings':2048,'rms_norm_eps':1e-5,'torch_dtype':'bfloat16'}")
                        .formatted(HIDDEN, INTERMEDIATE, LAYERS, VOCAB)
                        .replace('\'', '"'));
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("model.embed_tokens.weight", new int[] {VOCAB, HIDDEN});
        for (int i = 0; i < LAYERS; i++) {
            String layer = "model.layers." + i + ".";
            shapes.put(layer + "input_layernorm.weight", new int[] {HIDDEN});
            shapes.put(layer + "self_attn.q_proj.weight", new int[] {HIDDEN, HIDDEN});
            shapes.put(layer + "self_attn.k_proj.weight", new int[] {KV, HIDDEN});
            shapes.put(layer + "self_attn.v_proj.weight", new int[] {KV, HIDDEN});
            shapes.put(layer + "self_attn.o_proj.weight", new int[] {HIDDEN, HIDDEN});
            shapes.put(layer + "post_attention_layernorm.weight", new int[] {HIDDEN});
            shapes.put(layer + "mlp.gate_proj.weight", new int[] {INTERMEDIATE, HIDDEN});
            shapes.put(layer + "mlp.up_proj.weight", new int[] {INTERMEDIATE, HIDDEN});
            shapes.put(layer + "mlp.down_proj.weight", new int[] {HIDDEN, INTERMEDIATE});
        }
        shapes.put("model.norm.weight", new int[] {HIDDEN});
        shapes.put("lm_head.weight", new int[] {VOCAB, HIDDEN});
        write(folder.resolve("model.safetensors"), shapes);
    }

    private static void write(Path file, Map<String, int[]> shapes) throws IOException {
        StringBuilder header = new StringBuilder("{");
        long end = 0;
        for (Map.Entry<String, int[]> each : shapes.entrySet()) {
            long from = end;
            int[] shape = each.getValue();
            end += 2L * shape[0] * (shape.length == 1 ? 1 : shape[1]);
            header.append(header.length() == 1 ? "" : ",")
                    .append("\"%s\":{\"dtype\":\"BF16\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                            .formatted(each.getKey(), java.util.Arrays.toString(shape), from, end));
        }
        byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer numbers = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        SplittableRandom random = new SplittableRandom(1);
        while (numbers.hasRemaining()) {
            numbers.putShort((short) (Float.floatToRawIntBits((float) random.nextDouble(-0.05, 0.05)) >>> 16));
        }
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).flip());
            out.write(ByteBuffer.wrap(json));
            for (long left = end; left > 0; ) {
                int count = (int) Math.min(left, numbers.capacity());
                left -= out.write(numbers.rewind().limit(count));
            }
        }
    }
}
