import dev.spandrel.engine.Engine;
import dev.spandrel.engine.EngineConfig;
import dev.spandrel.engine.Generation;
import dev.spandrel.engine.GenerationEvent;
import dev.spandrel.engine.GenerationRequest;
import dev.spandrel.engine.Prompt;
import dev.spandrel.engine.RequestTimings;
import dev.spandrel.engine.SamplingParams;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * What the scheduler's rules cost and bring, on random weights of the 135M shape: a short request beside a long prefill, the
 * price of the prefill threshold, the prefix cache. Pairs are measured in turn in one run; medians are printed.
 *
 * <p>Usage: see run.sh.
 */
public final class SchedulerBench {
    private static final SplittableRandom RANDOM = new SplittableRandom(11);
    private static final int ROUNDS = Integer.getInteger("rounds", 7);

    private SchedulerBench() {}

    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        RandomModel.write(folder, Path.of(args[1]));
        int threshold = Integer.getInteger("threshold", EngineConfig.DEFAULT_LONG_PREFILL_TOKEN_THRESHOLD);
        try (Engine capped = open(folder, threshold);
                Engine uncapped = open(folder, 0)) {
            System.out.printf("%s, long_prefill_token_threshold %d%n", capped.model().backend(), threshold);
            for (int i = 0; i < 3; i++) {
                timeToFirstToken(capped, tokens(512));
                timeToFirstToken(uncapped, tokens(512));
            }
            price(capped, uncapped);
            if (Boolean.getBoolean("priceOnly")) {
                return;
            }
            besideALongPrefill(capped);
            prefixCache(capped);
        }
    }

    private static Engine open(Path folder, int threshold) {
        return Engine.open(EngineConfig.of(folder.toString())
                .longPrefillTokenThreshold(threshold)
                .kvCacheBytes(2L << 30)
                .build());
    }

    private static void price(Engine capped, Engine uncapped) throws Exception {
        double[] with = new double[ROUNDS];
        double[] without = new double[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            with[i] = timeToFirstToken(capped, tokens(512));
            without[i] = timeToFirstToken(uncapped, tokens(512));
        }
        System.out.printf(
                "prefill of 512 tokens: %.0f ms with the threshold, %.0f ms without: %+.1f %% (goal: at most +5 %%)%n",
                median(with), median(without), 100 * (median(with) / median(without) - 1));
    }

    private static void besideALongPrefill(Engine engine) throws Exception {
        double[] idle = new double[ROUNDS];
        double[] beside = new double[ROUNDS];
        long alone = (long) (timeToFirstToken(engine, tokens(4000)) * 1e6);
        System.out.printf("prefill of 4,000 tokens alone: %.0f ms%n", alone / 1e6);
        for (int i = 0; i < ROUNDS; i++) {
            awaitIdle(engine);
            idle[i] = timeToFirstToken(engine, tokens(32));
            try (Generation background = engine.submit(request(tokens(4000), 1))) {
                // Arrive at a random moment of the prefill, the late and slow part included.
                long until = System.nanoTime() + (long) (RANDOM.nextDouble(0.05, 0.9) * alone);
                while (System.nanoTime() < until) {
                    Thread.onSpinWait();
                }
                beside[i] = timeToFirstToken(engine, tokens(32));
                if (background.timings().firstTokenNanos() != RequestTimings.NOT_REACHED) {
                    throw new IllegalStateException("the long prefill was over too soon");
                }
            }
        }
        System.out.printf(
                "first token of 32-token requests: %.0f ms idle, %.0f ms beside a prefill of 4,000 (worst %.0f):"
                        + " %.0f ms later (goal: at most 250)%n",
                median(idle), median(beside), Arrays.stream(beside).max().orElseThrow(), median(beside) - median(idle));
    }

    /** A cancelled prefill ends with its step. */
    private static void awaitIdle(Engine engine) {
        while (engine.stats().running() > 0) {
            Thread.onSpinWait();
        }
    }

    private static void prefixCache(Engine engine) throws Exception {
        double[] first = new double[ROUNDS];
        double[] second = new double[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            List<Integer> prefix = tokens(1000);
            first[i] = timeToFirstToken(engine, join(prefix, tokens(8)));
            second[i] = timeToFirstToken(engine, join(prefix, tokens(8)));
        }
        System.out.printf(
                "prefix of 1,000 tokens: first request %.0f ms to the first token, second %.1f ms: %.1f %% (goal: at most"
                        + " 5 %%)%n",
                median(first), median(second), 100 * median(second) / median(first));
    }

    private static List<Integer> join(List<Integer> first, List<Integer> second) {
        List<Integer> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }

    private static List<Integer> tokens(int count) {
        List<Integer> tokens = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            tokens.add(RANDOM.nextInt(3, 2000));
        }
        return tokens;
    }

    private static GenerationRequest request(List<Integer> tokens, int output) {
        SamplingParams sampling = SamplingParams.DEFAULT.withTemperature(0).withMaxTokens(output).withIgnoreEos(true);
        return new GenerationRequest("bench", new Prompt.Tokens(tokens), sampling, System.nanoTime());
    }

    /** In milliseconds. */
    private static double timeToFirstToken(Engine engine, List<Integer> tokens) throws Exception {
        try (Generation generation = engine.submit(request(tokens, 1))) {
            while (!(generation.next() instanceof GenerationEvent.Finished)) {
                // One token: the first event is the last.
            }
            RequestTimings timings = generation.timings();
            return (timings.firstTokenNanos() - timings.arrivalNanos()) / 1e6;
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
