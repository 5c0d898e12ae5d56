package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.spandrel.engine.backend.Backend;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.ReferenceBackend;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every family with its weights kept in every format, against plain F32 loops over what those weights say after rounding:
 * within 1e-3 of the logits, or 2e-2 where BF16 weights meet BF16 inputs.
 */
class NarrowWeightsTest {
    private static final List<WeightPolicy> POLICIES = List.of(
            new WeightPolicy("bfloat16", "none"),
            new WeightPolicy("float16", "none"),
            new WeightPolicy("auto", "int8"),
            new WeightPolicy("auto", "int4"));

    @TestFactory
    Stream<DynamicTest> families() throws IOException {
        try (Stream<Path> folders = Files.list(FamiliesTest.FAMILIES)) {
            List<Path> sorted = folders.sorted().toList();
            return sorted.stream()
                    .flatMap(folder -> POLICIES.stream()
                            .map(policy -> DynamicTest.dynamicTest(
                                    folder.getFileName() + " " + policy, () -> check(folder, policy))));
        }
    }

    private static void check(Path folder, WeightPolicy policy) {
        ModelConfig config = ModelConfig.read(folder);
        int[] ids = ReferenceCase.of(folder).getFirst().ids();
        float[][] expected = logits(new ReferenceBackend(policy), config, ids);
        BackendOptions options = BackendOptions.threads(2).with(policy);
        CpuBackend fast = new CpuBackend(options);
        boolean rounded = policy.dtype().equals("bfloat16") && fast.roundsInputs();
        assertThat(FamiliesTest.distance(logits(fast, config, ids), expected)).isLessThan(rounded ? 2e-2 : 1e-3);
        assertThat(FamiliesTest.distance(logits(new CpuBackend(options.withoutMachineCode()), config, ids), expected))
                .isLessThan(1e-3);
    }

    private static float[][] logits(Backend backend, ModelConfig config, int[] ids) {
        try (backend) {
            return ModelRun.load(backend, config, ids.length, KvDType.F32).logits(ids, 0, ids.length);
        }
    }
}
