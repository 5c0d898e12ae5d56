import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.SamplingParams;
import dev.spandrel.engine.StepRecord;
import dev.spandrel.engine.cuda.EmulatedCuda;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a replayed decode step costs the host: the whole engine on an emulated device that does nothing and takes no time. So a step is
 * scheduling, laying out inputs, the model's verbs, downcalls into a driver of ours, planning the draw and publishing. The network
 * has the 32 layers of an 8B model and next to no width, since the host never sees the width.
 *
 * <p>Usage: see run.sh.
 */
public final class HostSteps {
    private static final int WARM_UP = Integer.getInteger("warmup", 2500);
    private static final int STEPS = Integer.getInteger("steps", 2500);

    private HostSteps() {}

    /** @param args folder to make the model in, folder of bundled models */
    public static void main(String[] args) throws Exception {
        Path folder = Files.createDirectories(Path.of(args[0]));
        Files.writeString(folder.resolve("config.json"), """
                {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 2048, "hidden_size": 64,
                 "intermediate_size": 128, "num_hidden_layers": 32, "num_attention_heads": 8, "num_key_value_heads": 1,
                 "head_dim": 8, "max_position_embeddings": 16384, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
                 "hidden_act": "silu", "torch_dtype": "bfloat16", "eos_token_id": 2}
                """);
        EmulatedCuda cuda = EmulatedCuda.open();
        cuda.configure(2L << 30, 1, 1, 13_000);
        cuda.idle(true);
        for (int batch : new int[] {64, 8, 1}) {
            steps(cuda, folder, Path.of(args[1]), batch);
        }
        // The engine's threads end with it; what the emulation holds ends with the process.
        System.exit(0);
    }

    private static void steps(EmulatedCuda cuda, Path folder, Path models, int batch) throws Exception {
        List<Long> ends = new ArrayList<>();
        List<Map<String, Long>> calls = new ArrayList<>();
        try (Engine engine = Engine.open(EngineConfig.of(folder.toString())
                .tokenizer(models.resolve("spandrel-tiny").toString())
                .loadFormat("dummy")
                .backend("cuda")
                .cudaLibraryPath(EmulatedCuda.settings().libraryPath())
                .maxNumSeqs(64)
                .maxModelLen(WARM_UP + STEPS + 256)
                .kvCacheBytes(400L << 20)
                .prefixCaching(false)
                .stepListener(step -> note(step, batch, ends, cuda, calls))
                .build())) {
            List<Thread> readers = new ArrayList<>();
            for (int s = 0; s < batch; s++) {
                Generation generation = engine.submit(request());
                readers.add(Thread.ofVirtual().start(() -> read(generation)));
            }
            for (Thread reader : readers) {
                reader.join();
            }
        }
        double[] micros = new double[STEPS - 1];
        for (int i = 0; i < micros.length; i++) {
            int at = ends.size() - STEPS + i;
            micros[i] = (ends.get(at) - ends.get(at - 1)) / 1e3;
        }
        Arrays.sort(micros);
        System.out.printf(
                "%d sequences: a step takes the host %.1f us (median; 10 %% under %.1f, 10 %% over %.1f)%n",
                batch, micros[micros.length / 2], micros[micros.length / 10], micros[micros.length * 9 / 10]);
        Map<String, Long> first = calls.getFirst();
        Map<String, Double> each = new TreeMap<>();
        calls.getLast().forEach((name, count) -> {
            double perStep = (count - first.getOrDefault(name, 0L)) / (double) STEPS;
            if (perStep > 0.01) {
                each.put(name, perStep);
            }
        });
        System.out.printf("  downcalls: %.1f, %s%n", each.values().stream().mapToDouble(Double::doubleValue).sum(), each);
    }

    private static void note(
            StepRecord step, int batch, List<Long> ends, EmulatedCuda cuda, List<Map<String, Long>> calls) {
        if (step.sequences() != batch || step.generatedTokens() != batch || step.promptTokens() > 0) {
            return;
        }
        ends.add(step.endNanos());
        if (ends.size() == WARM_UP || ends.size() == WARM_UP + STEPS) {
            Map<String, Long> counts = new TreeMap<>();
            cuda.called().forEach(name -> counts.put(name, cuda.calls(name)));
            calls.add(counts);
        }
    }

    private static void read(Generation generation) {
        try (generation) {
            while (!(generation.next() instanceof GenerationEvent.Finished)) {
                // Its text is of no interest.
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static GenerationRequest request() {
        List<Integer> tokens = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            tokens.add(3 + i);
        }
        SamplingParams sampling = SamplingParams.DEFAULT
                .withTemperature(0)
                .withMaxTokens(WARM_UP + STEPS + 160)
                .withIgnoreEos(true);
        return new GenerationRequest("bench", new Prompt.Tokens(tokens), sampling, System.nanoTime());
    }
}
