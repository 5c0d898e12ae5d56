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
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every family in every format that {@code --dtype} and {@code --quantization} keep weights in: the CPU against plain F32
 * arithmetic on the same narrowed weights within 1e-3, and both as near to transformers' F32 logits as the format allows.
 */
class NarrowFamiliesTest {
    /** How far rounding the weights may move the logits of these tiny, sharp models: they are here to catch nonsense. */
    private static final Map<WeightPolicy, Double> FORMATS = Map.of(
            new WeightPolicy("bfloat16", "none"), 0.05,
            new WeightPolicy("float16", "none"), 0.01,
            new WeightPolicy("auto", "int8"), 0.1,
            new WeightPolicy("auto", "int4"), 0.9);

    /** How far rounding the inputs to bytes may move them from those of exact inputs and the same weights. */
    private static final Map<String, Double> ROUNDED = Map.of("int8", 0.06, "int4", 0.06);

    @TestFactory
    Stream<DynamicTest> everyFamilyWithRoundedInputs() throws IOException {
        try (Stream<Path> folders = Files.list(FamiliesTest.FAMILIES)) {
            List<Path> sorted = folders.sorted().toList();
            return ROUNDED.keySet().stream()
                    .flatMap(quantization -> sorted.stream()
                            .map(folder -> DynamicTest.dynamicTest(
                                    folder.getFileName() + " " + quantization,
                                    () -> checkRounded(folder, quantization))));
        }
    }

    private static void checkRounded(Path folder, String quantization) {
        ReferenceCase first = ReferenceCase.of(folder).getFirst();
        WeightPolicy rounding = new WeightPolicy("auto", quantization, "int8");
        BackendOptions options = BackendOptions.threads(2).with(rounding);
        float[][] exact = logits(new CpuBackend(options.with(new WeightPolicy("auto", quantization))), folder, first);
        float[][] plain = logits(new ReferenceBackend(rounding), folder, first);
        float[][] fast = logits(new CpuBackend(options), folder, first);
        float[][] vectors = logits(new CpuBackend(options.withoutMachineCode()), folder, first);
        assertThat(FamiliesTest.distance(fast, plain))
                .as("machine code and reference")
                .isLessThan(1e-3);
        assertThat(FamiliesTest.distance(vectors, plain))
                .as("Vector API and reference")
                .isLessThan(1e-3);
        assertThat(FamiliesTest.distance(fast, exact))
                .as("rounded and exact inputs")
                .isLessThan(ROUNDED.get(quantization));
    }

    @TestFactory
    Stream<DynamicTest> everyFamilyInEveryFormat() throws IOException {
        try (Stream<Path> folders = Files.list(FamiliesTest.FAMILIES)) {
            List<Path> sorted = folders.sorted().toList();
            return FORMATS.keySet().stream()
                    .flatMap(policy -> sorted.stream()
                            .map(folder -> DynamicTest.dynamicTest(
                                    folder.getFileName() + " " + policy.dtype() + " " + policy.quantization(),
                                    () -> check(folder, policy))));
        }
    }

    private static void check(Path folder, WeightPolicy policy) {
        ReferenceCase first = ReferenceCase.of(folder).getFirst();
        BackendOptions options = BackendOptions.threads(2).with(policy);
        float[][] truth = logits(new ReferenceBackend(policy), folder, first);
        float[][] found = logits(new CpuBackend(options.withoutMachineCode()), folder, first);
        assertThat(FamiliesTest.distance(found, truth)).as("cpu and reference").isLessThan(1e-3);
        // With the processor's own instructions BF16 weights meet BF16 inputs.
        float[][] fast = logits(new CpuBackend(options), folder, first);
        assertThat(FamiliesTest.distance(fast, truth))
                .as("cpu with machine code and reference")
                .isLessThan(policy.dtype().equals("bfloat16") ? 2e-2 : 1e-3);
        assertThat(FamiliesTest.distance(truth, first.prefill()))
                .as("narrow and wide")
                .isLessThan(FORMATS.get(policy));
    }

    private static float[][] logits(Backend opened, Path folder, ReferenceCase expected) {
        try (Backend backend = opened) {
            int length = expected.ids().length + expected.greedy().length;
            return ModelRun.load(backend, ModelConfig.read(folder), length, KvDType.F32)
                    .logits(expected.ids(), 0, expected.ids().length);
        }
    }
}
