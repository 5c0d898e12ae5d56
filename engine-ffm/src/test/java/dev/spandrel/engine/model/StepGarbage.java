package dev.spandrel.engine.model;

import com.sun.management.ThreadMXBean;
import dev.spandrel.engine.backend.BackendOptions;
import dev.spandrel.engine.backend.Draws;
import dev.spandrel.engine.backend.KvDType;
import dev.spandrel.engine.backend.WeightPolicy;
import dev.spandrel.engine.backend.cpu.CpuBackend;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;

/**
 * Says how many bytes of garbage a step leaves, for each argument a line: the argument, "=", bytes. Arguments are {@code decode DTYPE
 * QUANTIZATION ACTIVATIONS}, {@code many} with the same, of 32 sequences, and {@code blocks FOLDER MACHINE-CODE}. A program of its own,
 * since what the JIT makes of a kernel depends on all that the process did with it before, which in a process of tests is anything.
 */
final class StepGarbage {
    private static final int STEPS = 50;
    private static final long MOST_NANOS = 60_000_000_000L;
    private static final int LENGTH = 40;
    private static final Path PLAIN = FamiliesTest.FAMILIES.resolve("llama31");

    private StepGarbage() {}

    public static void main(String[] args) {
        for (String each : args) {
            String[] words = each.split(" ");
            long bytes = switch (words[0]) {
                case "decode" -> decode(options(words), PLAIN, AllocationTest.MOST_BYTES);
                case "blocks" ->
                    decode(
                            blocks(words[2].equals("true")),
                            GgufFamiliesTest.FAMILIES.resolve(words[1]).resolve("model.gguf"),
                            AllocationTest.MOST_BYTES);
                case "many" -> many(options(words), AllocationTest.MOST_BYTES_OF_MANY);
                default -> throw new IllegalArgumentException("expected decode, blocks or many, found " + each);
            };
            System.out.println(each + "=" + bytes);
        }
    }

    private static BackendOptions options(String[] words) {
        return BackendOptions.threads(2).with(new WeightPolicy(words[1], words[2], words[3]));
    }

    private static BackendOptions blocks(boolean machineCode) {
        return machineCode
                ? BackendOptions.threads(2)
                : BackendOptions.threads(2).withoutMachineCode();
    }

    private static long decode(BackendOptions options, Path path, long enough) {
        try (CpuBackend backend = new CpuBackend(options)) {
            ModelRun run = ModelRun.load(backend, ModelConfig.read(path), LENGTH, KvDType.F32);
            int[] ids = new int[LENGTH];
            run.logits(ids, 0, LENGTH - 1);
            ForwardInput input = run.input(ids, LENGTH - 1, LENGTH);
            return least(enough, () -> run.model().forward(input, run.cache()));
        }
    }

    private static long many(BackendOptions options, long enough) {
        int sequences = 32;
        try (CpuBackend backend = new CpuBackend(options)) {
            Model model =
                    ModelLoader.load(ModelConfig.read(PLAIN), backend, new StepLimits(sequences, LENGTH, sequences));
            KvCache cache = KvCache.allocate(backend, model, 3 * sequences, 16, KvDType.F32);
            ForwardInput input = new ForwardInput(sequences, sequences, sequences, 16);
            Draws draws = new Draws(sequences);
            for (int s = 0; s < sequences; s++) {
                input.add(new int[LENGTH], LENGTH - 1, LENGTH, new int[] {3 * s, 3 * s + 1, 3 * s + 2}, 1);
                draws.add(s, s % 2, 0, 1, 0.5);
            }
            int[] tokens = new int[sequences];
            return least(enough, () -> {
                backend.draw(model.forward(input, cache), model.vocabSize(), draws);
                backend.readDrawn(tokens);
            });
        }
    }

    /** The least of some steps in a row, until it is little enough; the JIT takes its time on a busy machine, up to a limit. */
    private static long least(long enough, Runnable step) {
        long end = System.nanoTime() + MOST_NANOS;
        long least = Long.MAX_VALUE;
        while (least > enough && System.nanoTime() < end) {
            least = Math.min(least, allocated(step));
        }
        return least;
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
