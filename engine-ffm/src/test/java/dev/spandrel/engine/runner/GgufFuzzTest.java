package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.spandrel.engine.ChatMessage;
import dev.spandrel.engine.ChatOptions;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.model.Model;
import dev.spandrel.engine.model.ModelConfig;
import dev.spandrel.engine.model.ModelLoader;
import dev.spandrel.engine.model.StepLimits;
import dev.spandrel.engine.tokenizer.ChatTemplate;
import dev.spandrel.engine.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Seeded mutations of GGUF files through everything that reads them: a refusal, or something that works. */
class GgufFuzzTest {
    private static final Path GGUF = Path.of("src/test/resources/gguf");
    private static final List<String> KINDS = List.of("llama3", "qwen2", "o200k", "smollm", "llama2", "gemma");
    private static final List<String> FAMILIES =
            List.of("llama", "llama31", "llama-yarn", "qwen3", "gemma3", "phi3", "gpt2", "llama-q4_0");

    @TempDir
    Path folder;

    /** What a round does with its file. */
    @FunctionalInterface
    private interface Use {
        void of(Path file);
    }

    @Test
    void tokenizersAndTemplates() throws IOException {
        rounds("tokenizers", KINDS, "tokenizer.gguf", 20_261_201L, 1_500, file -> {
            Tokenizer tokenizer = Tokenizer.open(file);
            for (int id : tokenizer.encode("ab a </s>x 12 don't ▁ é🙂\n<|eot|>", true)) {
                assertThat(tokenizer.bytes(id)).isNotNull();
            }
            try {
                ChatTemplate.open(file, LocalDateTime::now)
                        .ifPresent(template ->
                                template.render(List.of(new ChatMessage("user", "hi")), ChatOptions.DEFAULT));
            } catch (EngineException.InvalidRequest refused) {
                assertThat(refused.getMessage()).contains("chat template");
            }
        });
    }

    @Test
    void configurationsAndWeights() throws IOException {
        rounds("families", FAMILIES, "model.gguf", 20_261_202L, 1_000, file -> {
            ModelConfig config = ModelConfig.read(file);
            int length = ModelLoader.maxPositions(config);
            GenerationDefaults.read(config, "auto");
            assertThat(length).isPositive();
            try (ReferenceBackend backend = new ReferenceBackend()) {
                Model model = ModelLoader.load(config, backend, new StepLimits(1, 1, Math.min(16, length)));
                assertThat(model.parameters()).isPositive();
            }
        });
    }

    private void rounds(String place, List<String> names, String name, long defaultSeed, int defaultRounds, Use use)
            throws IOException {
        long base = Long.getLong("fuzz.seed", defaultSeed);
        int rounds = Integer.getInteger("fuzz.rounds", defaultRounds);
        int sound = 0;
        Path file = folder.resolve("m.gguf");
        for (int i = 0; i < rounds; i++) {
            SplittableRandom random = new SplittableRandom(base + i);
            byte[] bytes = Files.readAllBytes(GGUF.resolve(place)
                    .resolve(names.get(Math.floorMod(base + i, names.size())))
                    .resolve(name));
            mutate(bytes, random);
            // A new file each time: an old one may still be mapped.
            Files.deleteIfExists(file);
            Files.write(file, bytes);
            try {
                use.of(file);
                sound++;
            } catch (EngineException.ModelLoad expected) {
                assertThat(expected.problems()).isNotEmpty().allMatch(problem -> !problem.isBlank());
            } catch (RuntimeException | Error e) {
                fail("fuzz.seed=" + (base + i) + " for one round", e);
            }
        }
        assertThat(sound).as("rounds that worked, seed %d", base).isBetween(1, rounds - 1);
    }

    /** Keys, values, names and shapes lie before the numbers. */
    private static void mutate(byte[] bytes, SplittableRandom random) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int end = Math.min(bytes.length, Math.max(4_000, text.lastIndexOf("weight") + 60));
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = random.nextInt(end);
            switch (random.nextInt(4)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt(256);
                case 2 -> bytes[at] = (byte) random.nextInt(14);
                default -> {
                    int length = Math.min(random.nextInt(12), end - at);
                    System.arraycopy(bytes.clone(), random.nextInt(end - length), bytes, at, length);
                }
            }
        }
    }
}
