package dev.spandrel.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A decode step leaves no garbage once the JIT has compiled it: what the interpreter boxes and slices is gone then, and
 * nothing else allocates. The JIT takes its time on a busy machine, so the test waits for it, up to a limit.
 */
class AllocationTest {
    private static final int STEPS = 50;
    /** Of a whole step of two layers and some thirty verbs; one forgotten object per verb would be ten times this. */
    private static final long MOST_BYTES = 64;

    /**
     * Of 32 sequences; one forgotten object for each would be 512 at least. Masks of loads that end with their array, a few a
     * step, are what a thread leaves that got the last row of every verb, because others were kept from working.
     */
    private static final long MOST_BYTES_OF_MANY = 500;

    private static final long MOST_NANOS = 60_000_000_000L;

    @ParameterizedTest
    @CsvSource({
        "float32, none, auto",
        "bfloat16, none, auto",
        "float16, none, auto",
        "auto, int8, auto",
        "auto, int4, auto",
        "auto, int8, int8",
        "auto, int4, int8"
    })
    void aDecodeStepAllocatesNothing(String dtype, String quantization, String activations) {
        BackendOptions options = BackendOptions.threads(2).with(new WeightPolicy(dtype, quantization, activations));
        try (CpuBackend backend = new CpuBackend(options)) {
            ModelRun run = ModelRun.load(
                    backend, ModelConfig.read(Path.of("src/test/resources/families/llama31")), 40, KvDType.F32);
            int[] ids = new int[40];
            run.logits(ids, 0, 39);
            ForwardInput input = run.input(ids, 39, 40);
            assertNoGarbage(MOST_BYTES, () -> run.model().forward(input, run.cache()));
        }
    }

    /** Weights in GGUF's blocks, by machine code and by the Vector API. */
    @ParameterizedTest
    @CsvSource({"qwen2-q4_k, true", "qwen2-q4_k, false", "qwen2-q6_k, true", "qwen2-q6_k, false", "llama-q5_1, true"})
    void aDecodeStepOfBlocksAllocatesNothing(String folder, boolean machineCode) {
        BackendOptions options = BackendOptions.threads(2);
        try (CpuBackend backend = new CpuBackend(machineCode ? options : options.withoutMachineCode())) {
            ModelConfig config =
                    ModelConfig.read(GgufFamiliesTest.FAMILIES.resolve(folder).resolve("model.gguf"));
            ModelRun run = ModelRun.load(backend, config, 40, KvDType.F32);
            int[] ids = new int[40];
            run.logits(ids, 0, 39);
            ForwardInput input = run.input(ids, 39, 40);
            assertNoGarbage(MOST_BYTES, () -> run.model().forward(input, run.cache()));
        }
    }

    /** Of 32 sequences, whose tokens are drawn where their logits lie. */
    @ParameterizedTest
    @CsvSource({"float32, none, auto", "bfloat16, none, auto", "auto, int8, auto", "auto, int8, int8"})
    void aStepOfManySequencesAllocatesNothing(String dtype, String quantization, String activations) {
        BackendOptions options = BackendOptions.threads(2).with(new WeightPolicy(dtype, quantization, activations));
        int sequences = 32;
        int length = 40;
        try (CpuBackend backend = new CpuBackend(options)) {
            Model model = ModelLoader.load(
                    ModelConfig.read(Path.of("src/test/resources/families/llama31")),
                    backend,
                    new StepLimits(sequences, length, sequences));
            KvCache cache = KvCache.allocate(backend, model, 3 * sequences, 16, KvDType.F32);
            ForwardInput input = new ForwardInput(sequences, sequences, sequences, 16);
            Draws draws = new Draws(sequences);
            for (int s = 0; s < sequences; s++) {
                input.add(new int[length], length - 1, length, new int[] {3 * s, 3 * s + 1, 3 * s + 2}, 1);
                draws.add(s, s % 2, 0, 1, 0.5);
            }
            int[] tokens = new int[sequences];
            assertNoGarbage(MOST_BYTES_OF_MANY, () -> {
                backend.draw(model.forward(input, cache), model.vocabSize(), draws);
                backend.readDrawn(tokens);
            });
        }
    }

    private static void assertNoGarbage(long most, Runnable step) {
        long end = System.nanoTime() + MOST_NANOS;
        long least = Long.MAX_VALUE;
        while (least > most && System.nanoTime() < end) {
            least = Math.min(least, allocated(step));
        }
        assertThat(least).as("bytes a step").isLessThanOrEqualTo(most);
    }

    /** Of this thread; workers run nothing but kernels. */
    private static long allocated(Runnable step) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < STEPS; i++) {
            step.run();
        }
        return (threads.getCurrentThreadAllocatedBytes() - before) / STEPS;
    }
}
