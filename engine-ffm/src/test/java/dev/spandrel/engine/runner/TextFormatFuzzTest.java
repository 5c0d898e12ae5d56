package dev.spandrel.engine.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import dev.spandrel.engine.EngineException;
import dev.spandrel.engine.checkpoint.Checkpoint;
import dev.spandrel.engine.model.ModelConfig;
import dev.spandrel.engine.model.ModelLoader;
import dev.spandrel.engine.tokenizer.ChatTemplate;
import dev.spandrel.engine.tokenizer.Tokenizer;
import dev.spandrel.engine.tokenizer.jinja.Template;
import dev.spandrel.engine.tokenizer.jinja.TemplateException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Seeded mutations of every text file of a model folder: something sound or one refusal that names the file, never anything
 * else, and no more memory than the files justify. {@code -Dfuzz.rounds} and {@code -Dfuzz.seed} change how many and which.
 */
class TextFormatFuzzTest {
    /** Bytes allocated for each byte of the folder's text: trees of one-character values, vocabularies, messages. */
    private static final long MEMORY_PER_BYTE = 200;

    /** On top: buffers of the JSON reader, paths, compiled patterns, tables of the least vocabulary. */
    private static final long MEMORY_ON_TOP = 1 << 20;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final Path RESOURCES = Path.of("src/test/resources");
    private static final LocalDateTime DAY = LocalDateTime.of(2026, 11, 23, 9, 5);
    private static final String TEXT = "ab a </s>x 12 don't ▁ é🙂\n";
    private static final List<String> VALUES = List.of(
            "0",
            "-1",
            "1e300",
            "null",
            "true",
            "\"x\"",
            "\"\"",
            "[]",
            "{}",
            "[[[[[[",
            "[1,2]",
            "2147483647",
            "1000000",
            "99999999999",
            "0.5");

    @TempDir
    Path folder;

    /** A file, sound ones of it, what must lie beside it, and how it is read. */
    enum Format {
        CONFIG("config.json", families("")),
        GENERATION_CONFIG("generation_config.json", List.of()),
        TOKENIZER("tokenizer.json", List.of()),
        VOCAB("vocab.json", List.of()),
        MERGES("merges.txt", List.of()),
        INDEX("model.safetensors.index.json", families("-shards")),
        CHAT_TEMPLATE("chat_template.jinja", list(RESOURCES.resolve("chat-templates")));

        private final String file;
        private final List<Path> sources;

        Format(String file, List<Path> sources) {
            this.file = file;
            this.sources = sources;
        }

        /** Writes what is read beside the mutated file. */
        void prepare(Path folder) throws IOException {
            Path family = RESOURCES.resolve("families/llama-shards");
            switch (this) {
                case GENERATION_CONFIG -> Files.copy(family.resolve("config.json"), folder.resolve("config.json"));
                case VOCAB, MERGES -> {
                    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"unk_token\":\"<u>\"}");
                    Files.writeString(folder.resolve("vocab.json"), SMALL_VOCAB);
                    Files.writeString(folder.resolve("merges.txt"), SMALL_MERGES);
                }
                case INDEX -> {
                    for (Path shard : list(family)) {
                        if (shard.toString().endsWith(".safetensors")) {
                            Files.copy(shard, folder.resolve(shard.getFileName()));
                        }
                    }
                }
                default -> {}
            }
        }

        byte[] sound(SplittableRandom random) throws IOException {
            String made = switch (this) {
                case GENERATION_CONFIG ->
                    "{\n \"eos_token_id\": [2, 3],\n \"temperature\": 0.6,\n \"top_p\": 0.9,\n \"top_k\": 50,\n"
                            + " \"min_p\": 0.1,\n \"repetition_penalty\": 1.1\n}";
                case TOKENIZER -> SMALL_TOKENIZERS.get(random.nextInt(SMALL_TOKENIZERS.size()));
                case VOCAB -> SMALL_VOCAB;
                case MERGES -> SMALL_MERGES;
                default -> null;
            };
            return made == null
                    ? Files.readAllBytes(
                            this == CHAT_TEMPLATE
                                    ? sources.get(random.nextInt(sources.size()))
                                    : sources.get(random.nextInt(sources.size()))
                                            .resolve(file))
                    : made.getBytes(StandardCharsets.UTF_8);
        }

        /** Opens, as a start does. */
        Object open(Path folder) {
            return switch (this) {
                case CONFIG -> {
                    ModelConfig config = ModelConfig.read(folder);
                    assertThat(ModelLoader.maxPositions(config)).isPositive();
                    yield config;
                }
                case GENERATION_CONFIG -> GenerationDefaults.read(ModelConfig.read(folder), "auto");
                case TOKENIZER, VOCAB, MERGES -> Tokenizer.open(folder);
                case INDEX -> Checkpoint.open(folder);
                case CHAT_TEMPLATE -> {
                    ChatTemplate template = ChatTemplate.open(folder, () -> DAY).orElseThrow();
                    try {
                        Template.parse(template.source(), () -> DAY);
                    } catch (TemplateException refused) {
                        assertThat(refused).hasMessageContaining("line");
                    }
                    yield template;
                }
            };
        }

        /** Uses what was opened. */
        void use(Object opened) {
            switch (opened) {
                case Tokenizer tokenizer -> {
                    for (int id : tokenizer.encode(TEXT, true)) {
                        assertThat(tokenizer.bytes(id)).isNotNull();
                    }
                }
                case Checkpoint checkpoint -> {
                    try (checkpoint) {
                        checkpoint
                                .tensors()
                                .keySet()
                                .forEach(name -> checkpoint.tensor(name).data().hashCode());
                    }
                }
                default -> assertThat(opened).isNotNull();
            }
        }
    }

    private static final String SMALL_VOCAB =
            "{\"a\":0,\"b\":1,\"ab\":2,\"Ġ\":3,\"Ġa\":4,\n\"</s>\":5,\"<u>\":6,\"x\":7}";

    private static final String SMALL_MERGES = "#version: 0.2\na b\nĠ a\n";

    private static final String ADDED = "{\"added_tokens\":[{\"id\":5,\"content\":\"</s>\",\"special\":true},"
            + "{\"id\":9,\"content\":\"<n>\",\"lstrip\":true}],";

    private static final List<String> SMALL_TOKENIZERS = List.of(
            ADDED
                    + "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\","
                    + "\"pattern\":{\"Regex\":\"\\\\p{N}{1,3}| ?\\\\p{L}+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\","
                    + "\"invert\":false},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]},"
                    + "\"decoder\":{\"type\":\"ByteLevel\"},\"post_processor\":{\"type\":\"TemplateProcessing\","
                    + "\"single\":[{\"SpecialToken\":{\"id\":\"</s>\"}},{\"Sequence\":{\"id\":\"A\"}}],"
                    + "\"special_tokens\":{\"</s>\":{\"ids\":[5]}}},\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\",\"vocab\":"
                    + SMALL_VOCAB + ",\"merges\":[\"a b\",[\"Ġ\",\"a\"]]}}",
            ADDED + "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"▁\"},"
                    + "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"▁\"}]},\"pre_tokenizer\":null,"
                    + "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"▁\"},"
                    + "\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \","
                    + "\"start\":1,\"stop\":0}]},\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\",\"fuse_unk\":true,"
                    + "\"byte_fallback\":true,\"vocab\":{\"<u>\":0,\"<0x0A>\":1,\"▁\":2,\"a\":3,\"b\":4,\"</s>\":5,\"▁a\":6},"
                    + "\"merges\":[\"▁ a\"]}}",
            ADDED
                    + "\"normalizer\":{\"type\":\"NFKC\"},\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"▁\","
                    + "\"prepend_scheme\":\"always\",\"split\":true},\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"▁\","
                    + "\"prepend_scheme\":\"always\"},\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"<u>\",0.0],"
                    + "[\"▁\",-2.5],[\"a\",-3.0],[\"▁a\",-1.5],[\"b\",-4.0],[\"</s>\",-9.0]],\"byte_fallback\":false}}");

    @ParameterizedTest
    @EnumSource(Format.class)
    void givesOneRefusalOrSomethingSound(Format format) throws IOException {
        long base = Long.getLong("fuzz.seed", 20_261_204L);
        int rounds = Integer.getInteger("fuzz.rounds", 400);
        format.prepare(folder);
        int sound = 0;
        for (int i = 0; i < rounds; i++) {
            SplittableRandom random = new SplittableRandom(base + i);
            byte[] mutated = TextMutation.of(format.sound(random), random, VALUES);
            Files.write(folder.resolve(format.file), mutated);
            try {
                Opening opening = open(format);
                if (opening.allocated > most(mutated)) {
                    // The first of a kind loads classes, which no file is to blame for.
                    opening.close();
                    opening = open(format);
                }
                if (opening.allocated > most(mutated)) {
                    fail("%d bytes allocated for a file of %d", opening.allocated, mutated.length);
                }
                if (opening.refused == null) {
                    format.use(opening.opened);
                    sound++;
                } else {
                    names(format, opening.refused);
                }
            } catch (RuntimeException | Error e) {
                fail(
                        "fuzz.seed=" + (base + i) + " for one round of " + format + ": "
                                + new String(mutated, StandardCharsets.UTF_8),
                        e);
            }
        }
        assertThat(sound).as("mutations that leave a sound file, seed %d", base).isBetween(1, rounds - 1);
    }

    /** What came of opening: something or a refusal, and what this thread allocated for it. */
    private record Opening(Object opened, EngineException.ModelLoad refused, long allocated) {
        void close() {
            if (opened instanceof Checkpoint checkpoint) {
                checkpoint.close();
            }
        }
    }

    private Opening open(Format format) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        Object opened = null;
        EngineException.ModelLoad refused = null;
        try {
            opened = format.open(folder);
        } catch (EngineException.ModelLoad e) {
            refused = e;
        }
        return new Opening(opened, refused, THREADS.getCurrentThreadAllocatedBytes() - before);
    }

    private static long most(byte[] file) {
        return MEMORY_PER_BYTE * file.length + MEMORY_ON_TOP;
    }

    /** Two files that have to fit each other may each be the one that is named. */
    private static void names(Format format, EngineException.ModelLoad refused) {
        String message = refused.getMessage();
        boolean named = message.contains(format.file)
                || format == Format.VOCAB && message.contains("merges.txt")
                || format == Format.INDEX && message.contains(".safetensors");
        if (!named || refused.problems().stream().anyMatch(String::isBlank)) {
            fail("no file named: " + message);
        }
    }

    private static List<Path> families(String suffix) {
        return list(RESOURCES.resolve("families")).stream()
                .filter(family -> family.toString().endsWith(suffix))
                .toList();
    }

    private static List<Path> list(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
