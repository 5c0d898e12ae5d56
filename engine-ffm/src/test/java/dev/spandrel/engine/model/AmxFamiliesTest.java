package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

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
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every family by AMX tiles against plain loops on the same narrowed weights; bench/amx/run.sh runs it on an emulated processor. */
class AmxFamiliesTest {
    private static final List<WeightPolicy> POLICIES =
            List.of(new WeightPolicy("bfloat16", "none"), new WeightPolicy("auto", "int8"));

    @BeforeAll
    static void needsTiles() {
        try (CpuBackend backend = new CpuBackend(BackendOptions.threads(1))) {
            assumeTrue(backend.amx(), "no AMX here; bench/amx/run.sh runs this on an emulated processor");
        }
    }

    @TestFactory
    Stream<DynamicTest> everyFamily() throws IOException {
        try (Stream<Path> folders = Files.list(FamiliesTest.FAMILIES)) {
            List<Path> sorted = folders.sorted().toList();
            return POLICIES.stream()
                    .flatMap(policy -> sorted.stream()
                            .map(folder -> DynamicTest.dynamicTest(
                                    folder.getFileName() + " " + policy.dtype() + " " + policy.quantization(),
                                    () -> check(folder, policy))));
        }
    }

    /** The second case has 21 tokens: a call of 32 rows that is not full, from the usual 16 rows on. */
    private static void check(Path folder, WeightPolicy policy) {
        int[] ids = ReferenceCase.of(folder).get(1).ids();
        float[][] truth;
        try (ReferenceBackend plain = new ReferenceBackend(policy)) {
            truth = run(plain, folder, ids);
        }
        BackendOptions options = BackendOptions.threads(1).with(policy);
        float[][] found;
        try (CpuBackend tiles = new CpuBackend(options)) {
            found = run(tiles, folder, ids);
            assertThat(tiles.amxProducts()).as("products by tiles").isPositive();
        }
        boolean rounds = policy.dtype().equals("bfloat16");
        assertThat(FamiliesTest.distance(found, truth))
                .as("tiles and plain loops")
                .isLessThan(rounds ? 3e-2 : 1e-3);
        if (!rounds) {
            try (CpuBackend without = new CpuBackend(options.withAmxFrom(0))) {
                // Sums of integers have no order.
                assertThat(found).as("bits with tiles and without").isDeepEqualTo(run(without, folder, ids));
            }
        }
    }

    private static float[][] run(Backend backend, Path folder, int[] ids) {
        return ModelRun.load(backend, ModelConfig.read(folder), ids.length, KvDType.F32)
                .logits(ids, 0, ids.length);
    }
}
