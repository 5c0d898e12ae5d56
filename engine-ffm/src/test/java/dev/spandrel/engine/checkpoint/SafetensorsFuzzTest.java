package dev.spandrel.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.spandrel.engine.EngineException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Seeded mutations of valid files: a problem or a checkpoint whose every tensor can be read, never anything else. */
class SafetensorsFuzzTest {
    private static final int MUTATIONS = 60_000;
    private static final int FILES = 300;

    @TempDir
    Path folder;

    @Test
    void headersGiveProblemsOrSoundEntries() {
        long seed = Long.getLong("fuzz.seed", 20_261_123L);
        int sound = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            SplittableRandom random = new SplittableRandom(seed + i);
            byte[] mutated = mutate(valid(random), random);
            try {
                List<String> problems = new ArrayList<>();
                SafetensorsHeader header = SafetensorsHeader.read("f", MemorySegment.ofArray(mutated), problems);
                for (SafetensorsHeader.Entry entry : header.entries()) {
                    assertThat(problems).isEmpty();
                    assertThat(header.dataOffset() + entry.end()).isBetween(8L, (long) mutated.length);
                }
                sound += problems.isEmpty() ? 1 : 0;
            } catch (RuntimeException | Error e) {
                fail("fuzz.seed=" + (seed + i) + " for one round", e);
            }
        }
        assertThat(sound).as("mutations that leave a sound file, seed %d", seed).isBetween(1, MUTATIONS - 1);
    }

    @Test
    void foldersGiveModelLoadOrAReadableCheckpoint() throws Exception {
        long seed = Long.getLong("fuzz.seed", 20_261_124L);
        for (int i = 0; i < FILES; i++) {
            SplittableRandom random = new SplittableRandom(seed + i);
            Files.write(folder.resolve("model.safetensors"), mutate(valid(random), random));
            try (Checkpoint checkpoint = Checkpoint.open(folder)) {
                checkpoint
                        .tensors()
                        .keySet()
                        .forEach(name -> checkpoint.tensor(name).data().hashCode());
            } catch (EngineException.ModelLoad expected) {
                assertThat(expected.problems()).isNotEmpty();
            } catch (RuntimeException | Error e) {
                fail("fuzz.seed=" + (seed + i) + " for one round", e);
            }
        }
    }

    private static byte[] valid(SplittableRandom random) {
        SafetensorsWriter writer = new SafetensorsWriter().raw("\"__metadata__\":{\"format\":\"pt\"}");
        String[] types = {"F32", "F16", "BF16", "I64"};
        int[] sizes = {4, 2, 2, 8};
        for (int i = random.nextInt(4); i >= 0; i--) {
            int type = random.nextInt(types.length);
            int rows = random.nextInt(3);
            int columns = random.nextInt(4);
            writer.tensor("layer." + i + ".weight", types[type], List.of(rows, columns), rows * columns * sizes[type]);
        }
        return writer.bytes();
    }

    private static byte[] mutate(byte[] file, SplittableRandom random) {
        byte[] mutated = file;
        for (int i = random.nextInt(4); i >= 0; i--) {
            mutated = mutateOnce(mutated, random);
        }
        return mutated;
    }

    private static byte[] mutateOnce(byte[] file, SplittableRandom random) {
        if (file.length == 0) {
            return new byte[random.nextInt(20)];
        }
        byte[] mutated = file.clone();
        int at = random.nextInt(file.length);
        switch (random.nextInt(5)) {
            case 0 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> mutated[at] = (byte) "{}[]\",:0-9e.\\\0 ".charAt(random.nextInt(15));
            case 2 -> mutated = Arrays.copyOf(file, at);
            case 3 -> mutated[random.nextInt(Math.min(8, file.length))] = (byte) random.nextInt(256);
            default -> {
                // Some bytes of one place again at another: doubled members, longer numbers, deeper nesting.
                int length = Math.min(random.nextInt(40), file.length - at);
                int to = random.nextInt(file.length);
                mutated = Arrays.copyOf(file, file.length + length);
                System.arraycopy(file, to, mutated, to + length, file.length - to);
                System.arraycopy(file, at, mutated, to, length);
            }
        }
        return mutated;
    }
}
