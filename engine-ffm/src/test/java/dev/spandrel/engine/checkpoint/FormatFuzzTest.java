package dev.spandrel.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Seeded mutations of every binary format: sound entries or a problem that names the file, never anything else, and no more
 * memory than the file justifies. {@code -Dfuzz.rounds} and {@code -Dfuzz.seed} change how many and which.
 */
class FormatFuzzTest {
    /** Bytes allocated for each byte of the file, and on top: objects of the smallest entries, messages, sets. */
    private static final long MEMORY_PER_BYTE = 100;

    private static final long MEMORY_ON_TOP = 64 << 10;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final Path TORCH = Path.of("src/test/resources/torch");

    /** A format, a sound file of it, and how far its structure reaches: damage beyond is damage to numbers. */
    enum Format {
        SAFETENSORS(SafetensorsHeader::tensors) {
            @Override
            byte[] sound() {
                return new SafetensorsWriter()
                        .raw("\"__metadata__\":{\"format\":\"pt\"}")
                        .tensor("a.weight", "F32", List.of(2, 3), 24)
                        .tensor("b.weight", "BF16", List.of(4), 8)
                        .bytes();
            }
        },
        TORCH_ZIP(TorchFile::read) {
            @Override
            byte[] sound() throws IOException {
                return Files.readAllBytes(TORCH.resolve("narrow/pytorch_model.bin"));
            }
        },
        TORCH_LEGACY(TorchFile::read) {
            @Override
            byte[] sound() throws IOException {
                return Files.readAllBytes(TORCH.resolve("legacy/pytorch_model.bin"));
            }
        },
        GGUF(FormatFuzzTest::gguf) {
            @Override
            byte[] sound() {
                return new GgufWriter(3)
                        .text("general.architecture", "llama")
                        .u32("general.alignment", 32)
                        .f32("eps", 0.5f)
                        .texts("tokens", "a", "bc", "")
                        .i32s("types", 1, -2)
                        .tensor("q", 8, 68, 32, 2)
                        .tensor("n", 0, 12, 3)
                        .bytes();
            }
        };

        private final FileFormat reader;

        Format(FileFormat reader) {
            this.reader = reader;
        }

        abstract byte[] sound() throws IOException;
    }

    /** Arrays too, as tokenizers read them. */
    private static List<TensorEntry> gguf(String file, MemorySegment mapped, List<String> problems) {
        List<TensorEntry> entries = GgufHeader.tensors(file, mapped, problems);
        if (problems.isEmpty()) {
            GgufHeader.read(mapped).metadata().values().stream()
                    .filter(value -> value instanceof GgufArray)
                    .forEach(value -> ((GgufArray) value).values());
        }
        return entries;
    }

    @ParameterizedTest
    @EnumSource(Format.class)
    void givesProblemsOrSoundEntries(Format format) throws IOException {
        byte[] sound = format.sound();
        long base = Long.getLong("fuzz.seed", 20_261_125L);
        int rounds = Integer.getInteger("fuzz.rounds", 20_000);
        int unharmed = 0;
        for (int i = 0; i < rounds; i++) {
            byte[] mutated = mutate(sound, new SplittableRandom(base + i));
            try {
                Reading reading = read(format, mutated);
                if (reading.allocated > most(mutated)) {
                    // The first of a kind loads classes, which no file is to blame for.
                    reading = read(format, mutated);
                }
                check(mutated, reading);
                unharmed += reading.problems.isEmpty() ? 1 : 0;
            } catch (RuntimeException | Error e) {
                fail("fuzz.seed=" + (base + i) + " for one round of " + format, e);
            }
        }
        assertThat(unharmed)
                .as("mutations that leave a sound file, seed %d", base)
                .isBetween(1, rounds - 1);
    }

    private record Reading(List<TensorEntry> entries, List<String> problems, long allocated) {}

    private static Reading read(Format format, byte[] file) {
        List<String> problems = new ArrayList<>();
        long before = THREADS.getCurrentThreadAllocatedBytes();
        List<TensorEntry> entries = format.reader.read("f", MemorySegment.ofArray(file), problems);
        return new Reading(entries, problems, THREADS.getCurrentThreadAllocatedBytes() - before);
    }

    private static long most(byte[] file) {
        return MEMORY_PER_BYTE * file.length + MEMORY_ON_TOP;
    }

    private static void check(byte[] file, Reading reading) {
        if (reading.allocated > most(file)) {
            fail("%d bytes allocated for a file of %d", reading.allocated, file.length);
        }
        for (String problem : reading.problems) {
            if (!problem.startsWith("f: ")) {
                fail("no file named: " + problem);
            }
        }
        for (TensorEntry entry : reading.entries) {
            if (entry.dtype() != null
                    && (entry.offset() < 0 || entry.size() < 0 || entry.offset() > file.length - entry.size())) {
                fail("%s lies outside of %d bytes", entry, file.length);
            }
        }
    }

    private static byte[] mutate(byte[] file, SplittableRandom random) {
        byte[] mutated = file.clone();
        for (int i = random.nextInt(4); i >= 0 && mutated.length > 0; i--) {
            // Structure is at the front, in zip archives at the end.
            int reach = Math.min(mutated.length, 6_000);
            int at = random.nextInt(reach);
            at = random.nextInt(4) == 0 ? mutated.length - 1 - at : at;
            switch (random.nextInt(6)) {
                case 0 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> mutated[at] = (byte) random.nextInt(256);
                case 2 -> mutated[at] = (byte) (random.nextBoolean() ? 0xff : 0);
                case 3 -> mutated = Arrays.copyOf(mutated, at);
                case 4 -> {
                    // A length or a count of eight bytes, somewhere.
                    long value = random.nextBoolean() ? random.nextLong() : 1L << random.nextInt(64);
                    for (int b = 0; b < 8 && at + b < mutated.length; b++) {
                        mutated[at + b] = (byte) (value >>> 8 * b);
                    }
                }
                default -> {
                    int length = Math.min(random.nextInt(40), mutated.length - at);
                    int to = random.nextInt(mutated.length - length + 1);
                    System.arraycopy(mutated.clone(), at, mutated, to, length);
                }
            }
        }
        return mutated;
    }
}
