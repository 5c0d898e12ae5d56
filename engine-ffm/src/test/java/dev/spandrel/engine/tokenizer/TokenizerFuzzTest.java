package dev.spandrel.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.spandrel.engine.EngineException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Seeded mutations of small valid tokenizer files: ModelLoad, or a tokenizer that encodes. */
class TokenizerFuzzTest {
    private static final int ROUNDS = 1_500;
    private static final String[] FILES = {
        "vocab.json",
        "merges.txt",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "tokenizer.json"
    };

    @TempDir
    Path folder;

    @Test
    void mutatedFilesGiveModelLoadOrATokenizer() throws IOException {
        long base = Long.getLong("fuzz.seed", 20_261_123L);
        int opened = 0;
        for (int i = 0; i < ROUNDS; i++) {
            SplittableRandom random = new SplittableRandom(base + i);
            boolean asJson = random.nextBoolean();
            write(asJson);
            String name = asJson ? FILES[5 - random.nextInt(2) * random.nextInt(4)] : FILES[random.nextInt(5)];
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                Files.write(file, mutate(Files.readAllBytes(file), random));
            }
            try {
                Tokenizer tokenizer = Tokenizer.open(folder);
                ChatTemplate.open(folder, LocalDateTime::now);
                for (int id : tokenizer.encode("ab a </s>x <n> é", true)) {
                    assertThat(tokenizer.bytes(id)).isNotNull();
                }
                opened++;
            } catch (EngineException.ModelLoad expected) {
                assertThat(expected.problems()).isNotEmpty().allMatch(problem -> !problem.isBlank());
            } catch (RuntimeException | Error e) {
                fail("fuzz.seed=" + (base + i) + " for one round, mutated " + name, e);
            }
        }
        assertThat(opened).as("rounds that opened, seed %d", base).isBetween(1, ROUNDS - 1);
    }

    /** The pipelines of other families: damage to their parts, and to the beginning of their vocabularies. */
    @Test
    void mutatedPipelinesGiveModelLoadOrATokenizer() throws IOException {
        long base = Long.getLong("fuzz.seed", 20_261_127L);
        String[] kinds = {"llama3", "qwen2", "o200k", "smollm", "llama2", "mistral", "gemma", "unigram", "unigram-bytes"
        };
        int opened = 0;
        int rounds = 900;
        for (int i = 0; i < rounds; i++) {
            SplittableRandom random = new SplittableRandom(base + i);
            Path kind = Path.of("src/test/resources/tokenizers", kinds[i % kinds.length]);
            byte[] valid = Files.readAllBytes(kind.resolve("tokenizer.json"));
            int part = new String(valid, StandardCharsets.ISO_8859_1).indexOf("\"vocab\"") + 200;
            byte[] mutated = mutate(Arrays.copyOf(valid, part), random);
            byte[] whole = Arrays.copyOf(mutated, mutated.length + valid.length - part);
            System.arraycopy(valid, part, whole, mutated.length, valid.length - part);
            Files.write(folder.resolve("tokenizer.json"), whole);
            try {
                Tokenizer tokenizer = Tokenizer.open(folder);
                for (int id : tokenizer.encode("ab a </s>x 12 don't ▁ é🙂\n", true)) {
                    assertThat(tokenizer.bytes(id)).isNotNull();
                }
                opened++;
            } catch (EngineException.ModelLoad expected) {
                assertThat(expected.problems()).isNotEmpty().allMatch(problem -> !problem.isBlank());
            } catch (RuntimeException | Error e) {
                fail("fuzz.seed=" + (base + i) + " for one round of " + kind.getFileName(), e);
            }
        }
        assertThat(opened).as("rounds that opened, seed %d", base).isBetween(1, rounds - 1);
    }

    private void write(boolean asJson) throws IOException {
        String vocab = "{\"a\":0,\"b\":1,\"ab\":2,\"Ġ\":3,\"Ġa\":4,\"</s>\":5,\"<u>\":6}";
        for (String name : FILES) {
            Files.deleteIfExists(folder.resolve(name));
        }
        put(
                "tokenizer_config.json",
                "{\"add_bos_token\":true,\"bos_token\":\"</s>\",\"unk_token\":\"<u>\",\"chat_template\":\"x\","
                        + "\"added_tokens_decoder\":{\"7\":{\"content\":\"<n>\",\"lstrip\":true,\"special\":false}}}");
        put(
                "special_tokens_map.json",
                "{\"eos_token\":{\"content\":\"</s>\"},\"additional_special_tokens\":[\"<n>\"]}");
        if (asJson) {
            put(
                    "tokenizer.json",
                    "{\"added_tokens\":[{\"id\":5,\"content\":\"</s>\",\"special\":true}],\"normalizer\":null,"
                            + "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"decoder\":{\"type\":\"ByteLevel\"},"
                            + "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"A\"}},{\"SpecialToken\":{\"id\":\"</s>\"}}],"
                            + "\"special_tokens\":{\"</s>\":{\"ids\":[5]}}},"
                            + "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\",\"vocab\":" + vocab
                            + ",\"merges\":[\"a b\",[\"Ġ\",\"a\"]]}}");
        } else {
            put("vocab.json", vocab);
            put("merges.txt", "#version: 0.2\na b\nĠ a\n");
            put("added_tokens.json", "{\"<n>\":7}");
        }
    }

    private void put(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private static byte[] mutate(byte[] file, SplittableRandom random) {
        byte[] mutated = file;
        for (int i = random.nextInt(3); i >= 0 && mutated.length > 0; i--) {
            int at = random.nextInt(mutated.length);
            int length = Math.min(random.nextInt(30), mutated.length - at);
            switch (random.nextInt(5)) {
                case 0 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> mutated[at] = (byte) "{}[]\",:0-9e.\\ \n".charAt(random.nextInt(15));
                case 2 -> mutated = Arrays.copyOf(mutated, at);
                case 3 -> mutated = joined(mutated, at, "99999999999999999999999".substring(random.nextInt(23)));
                default ->
                    mutated = joined(
                            mutated,
                            random.nextInt(mutated.length),
                            new String(mutated, at, length, StandardCharsets.ISO_8859_1));
            }
        }
        return mutated;
    }

    private static byte[] joined(byte[] file, int at, String inserted) {
        byte[] more = inserted.getBytes(StandardCharsets.ISO_8859_1);
        byte[] joined = Arrays.copyOf(file, file.length + more.length);
        System.arraycopy(more, 0, joined, at, more.length);
        System.arraycopy(file, at, joined, at + more.length, file.length - at);
        return joined;
    }
}
