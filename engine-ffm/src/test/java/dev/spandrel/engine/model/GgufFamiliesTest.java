package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * GGUF files that llama.cpp's converter wrote, against what transformers computes from the same numbers: every architecture
 * in F32, and every type of weights. See {@code bench/reference/gguf_cases.py}.
 */
class GgufFamiliesTest {
    static final Path FAMILIES = Path.of("src/test/resources/gguf/families");

    @TestFactory
    Stream<DynamicTest> referenceBackend() throws IOException {
        return tests(ReferenceBackend::new);
    }

    @TestFactory
    Stream<DynamicTest> cpuBackend() throws IOException {
        return tests(() -> new CpuBackend(BackendOptions.threads(2)));
    }

    @TestFactory
    Stream<DynamicTest> cpuBackendByTheVectorApi() throws IOException {
        return tests(() -> new CpuBackend(BackendOptions.threads(2).withoutMachineCode()));
    }

    private static Stream<DynamicTest> tests(Supplier<Backend> backends) throws IOException {
        try (Stream<Path> folders = Files.list(FAMILIES)) {
            List<Path> sorted = folders.sorted().toList();
            assertThat(sorted).hasSize(26);
            return sorted.stream()
                    .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> {
                        ModelConfig config = ModelConfig.read(folder.resolve("model.gguf"));
                        for (ReferenceCase each : ReferenceCase.of(folder)) {
                            try (Backend backend = backends.get()) {
                                FamiliesTest.check(backend, config, each, 1e-4);
                            }
                        }
                    }));
        }
    }
}
