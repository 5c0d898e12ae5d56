package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * A decode step leaves no garbage once the JIT has compiled it: what the interpreter boxes and slices is gone then, and
 * nothing else allocates. {@link StepGarbage} measures it, in a process of its own.
 */
class AllocationTest {
    /** Of a whole step of two layers and some thirty verbs; one forgotten object per verb would be ten times this. */
    static final long MOST_BYTES = 64;

    /**
     * Of 32 sequences; one forgotten object for each would be 512 at least. Masks of loads that end with their array, a few a
     * step, are what a thread leaves that got the last row of every verb, because others were kept from working.
     */
    static final long MOST_BYTES_OF_MANY = 500;

    private static final List<String> DECODE = List.of(
            "decode float32 none auto",
            "decode bfloat16 none auto",
            "decode float16 none auto",
            "decode auto int8 auto",
            "decode auto int4 auto",
            "decode auto int8 int8",
            "decode auto int4 int8");

    /** Weights in GGUF's blocks, by machine code and by the Vector API. */
    private static final List<String> BLOCKS = List.of(
            "blocks qwen2-q4_k true",
            "blocks qwen2-q4_k false",
            "blocks qwen2-q6_k true",
            "blocks qwen2-q6_k false",
            "blocks llama-q5_1 true");

    /** Of 32 sequences, whose tokens are drawn where their logits lie. */
    private static final List<String> MANY =
            List.of("many float32 none auto", "many bfloat16 none auto", "many auto int8 auto", "many auto int8 int8");

    private static final long MOST_SECONDS = 400;

    @TempDir
    private static Path folder;

    private static final Map<String, Long> FOUND = new HashMap<>();

    @BeforeAll
    static void measure() throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                StepGarbage.class.getName()));
        Stream.of(DECODE, BLOCKS, MANY).forEach(command::addAll);
        Path output = folder.resolve("output");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(MOST_SECONDS, TimeUnit.SECONDS))
                    .as("ended")
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        String said = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(process.exitValue()).as(said).isZero();
        said.lines()
                .map(line -> line.split("="))
                .filter(words -> words.length == 2 && command.contains(words[0]))
                .forEach(words -> FOUND.put(words[0], Long.parseLong(words[1])));
    }

    @ParameterizedTest
    @FieldSource({"DECODE", "BLOCKS"})
    void aDecodeStepAllocatesNothing(String step) {
        assertThat(FOUND).containsKey(step);
        assertThat(FOUND.get(step)).as("bytes a step").isLessThanOrEqualTo(MOST_BYTES);
    }

    @ParameterizedTest
    @FieldSource("MANY")
    void aStepOfManySequencesAllocatesNothing(String step) {
        assertThat(FOUND).containsKey(step);
        assertThat(FOUND.get(step)).as("bytes a step").isLessThanOrEqualTo(MOST_BYTES_OF_MANY);
    }
}
