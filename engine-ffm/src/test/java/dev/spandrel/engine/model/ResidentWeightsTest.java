package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.checkpoint.GgufWriter;
import dev.spandrel.engine.checkpoint.LoadFormat;
import dev.spandrel.engine.checkpoint.TensorInfo;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Loaded weights take at most 1.1 × the bytes of their tensors: by the backend's own account, and by what the system says of
 * a process that does nothing else, once the file's mapping is gone.
 */
class ResidentWeightsTest {
    private static final double MOST = 1.1;
    private static final int HIDDEN = 512;
    private static final int INNER = 1536;
    private static final int VOCAB = 16_000;
    private static final int LAYERS = 8;
    private static final int F32 = 0;
    private static final int Q8_0 = 8;
    private static final int Q4_K = 12;
    private static final int Q6_K = 14;

    @TempDir
    Path folder;

    @BeforeEach
    void linux() {
        Assumptions.assumeTrue(
                Files.isReadable(Path.of("/proc/self/smaps_rollup")),
                "not run: this system has no /proc/self/smaps_rollup to ask for resident memory");
    }

    @Test
    void bf16AsStored() throws Exception {
        Files.writeString(folder.resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "torch_dtype": "bfloat16", "vocab_size": %d, "hidden_size": %d,
                 "intermediate_size": %d, "num_hidden_layers": %d, "num_attention_heads": 8, "num_key_value_heads": 8,
                 "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": false}
                """.formatted(VOCAB, HIDDEN, INNER, LAYERS));
        long[] found = load(folder, LoadFormat.DUMMY);
        check(2 * found[0], found);
    }

    /** Bytes and elements of a block; layers enough that what the process grows by anyway is little beside them. */
    @ParameterizedTest
    @CsvSource({Q8_0 + ", 34, 32, 8", Q4_K + ", 144, 256, 24", Q6_K + ", 210, 256, 16"})
    void blocksFromAMappedFile(int type, int blockBytes, int block, int layers) throws Exception {
        Path file = Files.write(folder.resolve("model.gguf"), gguf(type, blockBytes, block, layers));
        long stored;
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            stored = checkpoint.tensors().values().stream()
                    .mapToLong(TensorInfo::byteSize)
                    .sum();
        }
        check(stored, load(file, LoadFormat.GGUF));
    }

    private static void check(long stored, long[] found) {
        String sizes = "tensors, held, resident: " + stored + ", " + found[1] + ", " + found[2];
        assertThat(stored).as(sizes).isGreaterThan(40_000_000);
        // Less than there is would mean that nothing was measured.
        assertThat((double) found[1] / stored).as(sizes).isBetween(0.99, MOST);
        assertThat((double) found[2] / stored).as(sizes).isBetween(0.9, MOST);
    }

    /** Weights, bytes held and bytes grown, of a process of its own. */
    private long[] load(Path model, LoadFormat format) throws IOException, InterruptedException {
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        // A heap that cannot grow, and little compiled code.
                        "-Xms96m",
                        "-Xmx96m",
                        "-XX:+AlwaysPreTouch",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ResidentWeights.class.getName(),
                        FamiliesTest.FAMILIES.resolve("llama31-bf16").toString(),
                        model.toString(),
                        format.name())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("ended").isTrue();
        } finally {
            process.destroyForcibly();
        }
        String said = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(said).isZero();
        String line = said.lines().reduce((first, last) -> last).orElseThrow();
        return Arrays.stream(line.split(" ")).mapToLong(Long::parseLong).toArray();
    }

    private static byte[] gguf(int type, int blockBytes, int block, int layers) {
        GgufWriter writer = new GgufWriter(3)
                .text("general.architecture", "llama")
                .u32("llama.block_count", layers)
                .u32("llama.embedding_length", HIDDEN)
                .u32("llama.feed_forward_length", INNER)
                .u32("llama.attention.head_count", 8)
                .u32("llama.attention.head_count_kv", 8)
                .u32("llama.context_length", 64)
                .f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        Matrices matrices = new Matrices(writer, type, blockBytes, block);
        matrices.add("token_embd", HIDDEN, VOCAB);
        matrices.add("output", HIDDEN, VOCAB);
        norm(writer, "output_norm");
        for (int i = 0; i < layers; i++) {
            String layer = "blk." + i + ".";
            norm(writer, layer + "attn_norm");
            norm(writer, layer + "ffn_norm");
            for (String name : new String[] {"attn_q", "attn_k", "attn_v", "attn_output"}) {
                matrices.add(layer + name, HIDDEN, HIDDEN);
            }
            matrices.add(layer + "ffn_gate", HIDDEN, INNER);
            matrices.add(layer + "ffn_up", HIDDEN, INNER);
            matrices.add(layer + "ffn_down", INNER, HIDDEN);
        }
        return writer.bytes();
    }

    private record Matrices(GgufWriter writer, int type, int blockBytes, int block) {
        void add(String name, int columns, int rows) {
            writer.tensor(name + ".weight", type, columns / block * blockBytes * rows, columns, rows);
        }
    }

    private static void norm(GgufWriter writer, String name) {
        writer.tensor(name + ".weight", F32, 4 * HIDDEN, HIDDEN);
    }
}
