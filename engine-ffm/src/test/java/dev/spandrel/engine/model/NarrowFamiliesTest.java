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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every family in every format that {@code --dtype} and {@code --quantization} keep weights in: the CPU against plain F32
 * arithmetic on the same narrowed weights within 1e-3, and both as near to transformers' F32 logits as the format allows. The same with
 * {@code --activation-dtype int8}, where GGUF files of every type of blocks run, too.
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

    private static final double ROUNDED_BLOCKS = 0.1;
    private static final Pattern BLOCKS = Pattern.compile("-q\\d_\\w$");
    private static final int FILES_OF_BLOCKS = 12;
    /** How far the same bytes of inputs may be apart, but for some that lie between two. */
    private static final double FALLEN_APART = 0.03;

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
        List<ReferenceCase> first = ReferenceCase.of(folder).subList(0, 1);
        checkRounded(first, folder, new WeightPolicy("auto", quantization), ROUNDED.get(quantization));
    }

    /** Matrices of these files stay in the file's blocks, so that each format's own listings run in a whole model. */
    @TestFactory
    Stream<DynamicTest> everyFileOfBlocksWithRoundedInputs() throws IOException {
        try (Stream<Path> folders = Files.list(GgufFamiliesTest.FAMILIES)) {
            List<Path> sorted = folders.filter(
                            folder -> BLOCKS.matcher(folder.toString()).find())
                    .sorted()
                    .toList();
            assertThat(sorted).hasSize(FILES_OF_BLOCKS);
            return sorted.stream()
                    .map(folder -> DynamicTest.dynamicTest(
                            folder.getFileName().toString(),
                            () -> checkRounded(
                                    ReferenceCase.of(folder),
                                    folder.resolve("model.gguf"),
                                    WeightPolicy.AS_STORED,
                                    ROUNDED_BLOCKS)));
        }
    }

    private static void checkRounded(List<ReferenceCase> cases, Path model, WeightPolicy weights, double bound) {
        WeightPolicy rounding = new WeightPolicy(weights.dtype(), weights.quantization(), "int8");
        BackendOptions options = BackendOptions.threads(2).with(rounding);
        float[][] exact = logits(() -> new CpuBackend(options.with(weights)), model, cases);
        float[][] plain = logits(() -> new ReferenceBackend(rounding), model, cases);
        float[][] fast = logits(() -> new CpuBackend(options), model, cases);
        float[][] vectors = logits(() -> new CpuBackend(options.withoutMachineCode()), model, cases);
        assertRoundedAlike("machine code and reference", fast, plain);
        assertRoundedAlike("Vector API and reference", vectors, plain);
        // Above zero: a file whose matrices met exact inputs after all would pass otherwise.
        assertThat(FamiliesTest.distance(fast, exact))
                .as("rounded and exact inputs")
                .isBetween(1e-4, bound);
    }

    /**
     * An input that lies between two bytes may fall to either by the order of a sum before it, and moves its row and those that
     * attend to it by a hundredth; rows without one are the same within rounding errors. An error of a kernel moves all of them.
     */
    private static void assertRoundedAlike(String what, float[][] found, float[][] expected) {
        double[] rows = new double[found.length];
        Arrays.setAll(rows, r -> FamiliesTest.distance(new float[][] {found[r]}, new float[][] {expected[r]}));
        Arrays.sort(rows);
        assertThat(rows[rows.length / 4])
                .as("%s, a quarter of %d rows", what, rows.length)
                .isLessThan(1e-5);
        assertThat(FamiliesTest.distance(found, expected)).as(what).isLessThan(FALLEN_APART);
    }

    private static float[][] logits(Supplier<Backend> backends, Path model, List<ReferenceCase> cases) {
        return cases.stream()
                .flatMap(each -> Stream.of(logits(backends.get(), model, each)))
                .toArray(float[][]::new);
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

    private static float[][] logits(Backend opened, Path model, ReferenceCase expected) {
        try (Backend backend = opened) {
            int length = expected.ids().length + expected.greedy().length;
            return ModelRun.load(backend, ModelConfig.read(model), length, KvDType.F32)
                    .logits(expected.ids(), 0, expected.ids().length);
        }
    }
}
