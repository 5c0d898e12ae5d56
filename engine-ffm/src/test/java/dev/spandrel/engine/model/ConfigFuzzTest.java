package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.spandrel.engine.EngineException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Seeded mutations of every family's config.json: a model's length or a list of problems, never anything else. */
class ConfigFuzzTest {
    private static final int MUTATIONS = 15_000;
    private static final List<String> VALUES = List.of(
            "0",
            "-1",
            "1",
            "3",
            "1e300",
            "-0.0",
            "NaN",
            "null",
            "true",
            "\"x\"",
            "[]",
            "{}",
            "[1,2]",
            "99999999999",
            "0.5");

    @TempDir
    Path folder;

    @Test
    void configurationsGiveALengthOrProblems() throws Exception {
        long seed = Long.getLong("fuzz.seed", 20_261_126L);
        List<String> valid;
        try (Stream<Path> families = Files.list(FamiliesTest.FAMILIES)) {
            valid = families.sorted().map(ConfigFuzzTest::read).toList();
        }
        int sound = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            SplittableRandom random = new SplittableRandom(seed + i);
            Files.writeString(folder.resolve("config.json"), mutate(valid.get(random.nextInt(valid.size())), random));
            try {
                ModelConfig config = ModelConfig.read(folder);
                assertThat(ModelLoader.maxPositions(config)).isPositive();
                sound++;
            } catch (EngineException.ModelLoad expected) {
                assertThat(expected.problems()).isNotEmpty();
            } catch (RuntimeException | Error e) {
                fail("fuzz.seed=" + (seed + i) + " for one round", e);
            }
        }
        assertThat(sound).as("mutations that leave a sound file, seed %d", seed).isBetween(1, MUTATIONS - 1);
    }

    private static String mutate(String json, SplittableRandom random) {
        String[] lines = json.split("\n");
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = 1 + random.nextInt(lines.length - 2);
            switch (random.nextInt(4)) {
                case 0 -> lines[at] = "";
                case 1, 2 ->
                    lines[at] = lines[at].replaceFirst(
                            ": .*?(,?)$",
                            java.util.regex.Matcher.quoteReplacement(": " + VALUES.get(random.nextInt(VALUES.size())))
                                    + "$1");
                default -> lines[at] = lines[1 + random.nextInt(lines.length - 2)];
            }
        }
        return String.join("\n", lines);
    }

    private static String read(Path family) {
        try {
            return new String(Files.readAllBytes(family.resolve("config.json")), StandardCharsets.UTF_8);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
