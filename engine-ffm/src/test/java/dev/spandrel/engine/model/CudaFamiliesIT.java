package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cuda.CudaTesting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** transformers' logits of every family on a real device: by exact kernels, and BF16 by tensor cores. Without a device skipped. */
class CudaFamiliesIT {
    @BeforeAll
    static void probe() {
        CudaTesting.probeDevice();
    }

    @TestFactory
    Stream<DynamicTest> exact() throws IOException {
        return families()
                .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> {
                    for (ReferenceCase each : ReferenceCase.of(folder)) {
                        try (Backend backend = CudaTesting.device(WeightPolicy.AS_STORED, true)) {
                            FamiliesTest.check(backend, ModelConfig.read(folder), each, 1e-4);
                        }
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> onTensorCores() throws IOException {
        return families()
                .filter(folder -> folder.getFileName().toString().contains("bf16"))
                .map(folder -> DynamicTest.dynamicTest(folder.getFileName().toString(), () -> {
                    for (ReferenceCase each : ReferenceCase.of(folder)) {
                        int[] ids = each.ids();
                        try (Backend backend = CudaTesting.device(WeightPolicy.AS_STORED, false)) {
                            ModelConfig config = ModelConfig.read(folder);
                            float[][] found = ModelRun.load(backend, config, ids.length, KvDType.BF16)
                                    .logits(ids, 0, ids.length);
                            assertThat(FamiliesTest.distance(found, each.prefill()))
                                    .as("prefill of %d", ids.length)
                                    .isLessThan(2e-2);
                        }
                    }
                }));
    }

    private static Stream<Path> families() throws IOException {
        try (Stream<Path> folders = Files.list(FamiliesTest.FAMILIES)) {
            List<Path> sorted = folders.sorted().toList();
            assertThat(sorted).hasSizeGreaterThanOrEqualTo(26);
            return sorted.stream();
        }
    }
}
