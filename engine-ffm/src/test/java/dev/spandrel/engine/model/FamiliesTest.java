package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import dev.spandrel.engine.sampling.Sampler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * A tiny model of each family against what transformers computed from the same weights, on both backends: whole prompts,
 * token by token, and the tokens a greedy reader takes. See {@code bench/reference/family_cases.py}.
 */
class FamiliesTest {
    static final Path FAMILIES = Path.of("src/test/resources/families");

    @TestFactory
    Stream<DynamicTest> referenceBackend() throws IOException {
        return tests(ReferenceBackend::new);
    }

    @TestFactory
    Stream<DynamicTest> cpuBackend() throws IOException {
        return tests(() -> new CpuBackend(BackendOptions.threads(2)));
    }

    @TestFactory
    Stream<DynamicTest> vectorApi() throws IOException {
        return tests(() -> new CpuBackend(BackendOptions.threads(2).withoutMachineCode()));
    }

    private static Stream<DynamicTest> tests(Supplier<Backend> backends) throws IOException {
        try (Stream<Path> folders = Files.list(FAMILIES)) {
            List<Path> sorted = folders.sorted().toList();
            assertThat(sorted).hasSizeGreaterThanOrEqualTo(26);
            return sorted.stream()
                    .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> {
                        for (ReferenceCase each : ReferenceCase.of(folder)) {
                            try (Backend backend = backends.get()) {
                                check(backend, ModelConfig.read(folder), each, 1e-4);
                            }
                        }
                    }));
        }
    }

    /** @param most distance of logits from the reference's */
    static void check(Backend backend, ModelConfig config, ReferenceCase expected, double most) {
        // As long as the case and no longer: longrope's factors follow the served length.
        int length = expected.ids().length + expected.greedy().length;
        ModelRun run = ModelRun.load(backend, config, length, KvDType.F32);
        int[] ids = expected.ids();
        double tolerance = tolerance(backend, config.folder().toString(), most);
        boolean rounded = tolerance > most;
        boolean dynamic = config.folder().endsWith("llama-dynamic") && ids.length > 16;
        if (!dynamic) {
            // Beyond the context dynamic scaling is defined token by token; see RotaryEmbedding.
            assertThat(distance(run.logits(ids, 0, ids.length), expected.prefill()))
                    .as("prefill of %d", ids.length)
                    .isLessThan(tolerance);
        }
        int[] whole = Arrays.copyOf(ids, length);
        float[][] rows = new float[length][];
        for (int i = 0; i < length; i++) {
            rows[i] = run.logits(whole, i, i + 1)[0];
            if (i + 1 >= ids.length && i + 1 < length) {
                whole[i + 1] = Sampler.argmax(rows[i], rows[i].length);
            }
        }
        if (!rounded) {
            assertThat(Arrays.copyOfRange(whole, ids.length, length))
                    .as("greedy")
                    .isEqualTo(expected.greedy());
        } else if (!Arrays.equals(Arrays.copyOfRange(whole, ids.length, length), expected.greedy())) {
            // From another token on, everything is another text.
            return;
        }
        assertThat(distance(rows, expected.steps())).as("steps of %d", length).isLessThan(tolerance);
        run = ModelRun.load(backend, config, length, KvDType.F32);
        float[][] chunked = run.chunked(whole, 7);
        assertThat(chunked).as("chunks have the bits of single steps").isDeepEqualTo(rows);
    }

    /** By machine code BF16 weights meet BF16 inputs, and weights in bytes or nibbles 16-bit ones. */
    private static double tolerance(Backend backend, String name, double most) {
        boolean machineCode = backend instanceof CpuBackend cpu && cpu.roundsInputs();
        if (machineCode && name.contains("bf16")) {
            return 2e-2;
        }
        return machineCode && name.matches(".*-q\\d_[01k].*") ? 1e-3 : most;
    }

    /** Norm of the difference over norm of the expected. */
    static double distance(float[][] found, float[][] expected) {
        assertThat(found.length).isEqualTo(expected.length);
        double difference = 0;
        double norm = 0;
        for (int r = 0; r < found.length; r++) {
            for (int c = 0; c < expected[r].length; c++) {
                difference += Math.pow(found[r][c] - expected[r][c], 2);
                norm += Math.pow(expected[r][c], 2);
            }
        }
        return Math.sqrt(difference / norm);
    }
}
